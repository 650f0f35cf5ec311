// hass_list_windows: the windows of an image, in their order and image after image. Of each it gives the
// ring's slot of the upper left tap, which rows and columns are in the image, how many pixels from that tap
// on it needs, and how far it is from the one before.
//
//   cycles   the next window is given a cycle after `take`
//   costs    counters
module hass_list_windows #(
    parameter int WIDTH = 8,
    parameter int HEIGHT = 8,
    parameter int KERNEL_W = 3,
    parameter int KERNEL_H = 3,
    parameter int STRIDE_W = 1,
    parameter int STRIDE_H = 1,
    parameter int PAD_LEFT = 1,
    parameter int PAD_TOP = 1,
    parameter int OUT_WIDTH = 8,
    parameter int OUT_HEIGHT = 8,
    parameter int SLOTS = 21,
    parameter int REACH = 9,    // bits of distances in pixels
    localparam int SLOT = $clog2(SLOTS)
) (
    input  logic                    clk,
    input  logic                    rst,
    input  logic                    take,   // what is given is done with
    output logic                    valid,
    output logic [SLOT-1:0]         corner,
    output logic [KERNEL_H-1:0]     rows_in,
    output logic [KERNEL_W-1:0]     columns_in,
    output logic signed [REACH-1:0] need,
    output logic                    load,   // the next one is given from the next cycle on
    output logic signed [REACH-1:0] step    // pixels from the one before to that
);
    localparam int X = $clog2(WIDTH + KERNEL_W + STRIDE_W) + 1;  // signed coordinates
    localparam int Y = $clog2(HEIGHT + KERNEL_H + STRIDE_H) + 1;
    // Pixels from one window's corner to the next one's: in a row, to the next row, to the next image.
    localparam int TO_ROW = STRIDE_H * WIDTH - (OUT_WIDTH - 1) * STRIDE_W;
    localparam int TO_IMAGE = WIDTH * HEIGHT - (OUT_HEIGHT - 1) * STRIDE_H * WIDTH
                            - (OUT_WIDTH - 1) * STRIDE_W;
    localparam int CORNER = (SLOTS - (PAD_TOP * WIDTH + PAD_LEFT) % SLOTS) % SLOTS;  // slot of the first

    // ---- the next window
    logic [SLOT-1:0]         next_corner;
    logic signed [X-1:0]     left;
    logic signed [Y-1:0]     top;
    logic signed [REACH-1:0] distance;  // from the one given before
    logic signed [REACH-1:0] row_need, column_need;

    wire row_ends = left == X'((OUT_WIDTH - 1) * STRIDE_W - PAD_LEFT);
    wire image_ends = row_ends && top == Y'((OUT_HEIGHT - 1) * STRIDE_H - PAD_TOP);
    wire signed [REACH-1:0] to_next = image_ends ? REACH'(TO_IMAGE) : row_ends ? REACH'(TO_ROW)
                                                                               : REACH'(STRIDE_W);
    wire [SLOT:0] slots = image_ends ? (SLOT+1)'(TO_IMAGE % SLOTS)
                        : row_ends ? (SLOT+1)'(TO_ROW % SLOTS) : (SLOT+1)'(STRIDE_W % SLOTS);
    wire [SLOT:0] moved = {1'b0, next_corner} + slots;
    assign load = take || !valid;
    assign step = distance;

    always_comb begin
        row_need = '0;
        column_need = '0;
        for (int r = 0; r < KERNEL_H; r++)
            if (top + Y'(r) < Y'(HEIGHT)) row_need = REACH'(r * WIDTH);
        for (int s = 0; s < KERNEL_W; s++)
            if (left + X'(s) < X'(WIDTH)) column_need = REACH'(s + 1);
    end

    always_ff @(posedge clk)
        if (rst) begin
            valid       <= 1'b0;
            next_corner <= SLOT'(CORNER);
            left        <= X'(-PAD_LEFT);
            top         <= Y'(-PAD_TOP);
            distance    <= '0;
        end else begin
            valid <= 1'b1;
            if (load) begin
                distance <= to_next;
                next_corner <= SLOT'(moved >= (SLOT+1)'(SLOTS) ? moved - (SLOT+1)'(SLOTS) : moved);
                left <= row_ends ? X'(-PAD_LEFT) : left + X'(STRIDE_W);
                if (image_ends) top <= Y'(-PAD_TOP);
                else if (row_ends) top <= top + Y'(STRIDE_H);
            end
        end

    // ---- the window that is given
    always_ff @(posedge clk)
        if (load) begin
            corner <= next_corner;
            need   <= row_need + column_need;
            for (int r = 0; r < KERNEL_H; r++)
                rows_in[r] <= top + Y'(r) >= 0 && top + Y'(r) < Y'(HEIGHT);
            for (int s = 0; s < KERNEL_W; s++)
                columns_in[s] <= left + X'(s) >= 0 && left + X'(s) < X'(WIDTH);
        end
endmodule
