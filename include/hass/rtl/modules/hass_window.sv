// hass_window: KERNEL_H x KERNEL_W windows of an image that comes pixel by pixel, row by row, WORDS
// words a pixel. A window leaves as WORDS words as well; value (r, s, lane) stands at
// (r KERNEL_W + s) LANES + lane. Outside of the image stands FILL.
//
// Padding costs no cycle. Let slot p be the cycles of pixel p = y WIDTH + x. The window whose last
// row and column are y and x leaves in slot p, also where x or y lie beyond the right or the lower
// edge: there it shares the slot with the next row or image, and what came too early is masked. If no
// next image is there, the slots pass without input.
//
//   cycles   WIDTH HEIGHT WORDS an image; latency 2 behind the last word that a window needs
//   costs    a memory of WIDTH WORDS words of KERNEL_H - 1 pixels, KERNEL_W - 1 hass_delay of WORDS words
//            of KERNEL_H pixels, counters
//   needs    PAD_LEFT < KERNEL_W, PAD_TOP < KERNEL_H, (OUT_WIDTH - 1) STRIDE_W < WIDTH,
//            (OUT_HEIGHT - 1) STRIDE_H < HEIGHT, TAIL <= PIXELS, and WIDTH WORDS > 1 if KERNEL_H > 1
module hass_window #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int WORDS = 1,
    parameter int WIDTH = 8,
    parameter int HEIGHT = 8,
    parameter int KERNEL_W = 3,
    parameter int KERNEL_H = 3,
    parameter int STRIDE_W = 1,
    parameter int STRIDE_H = 1,
    parameter int PAD_LEFT = 1,
    parameter int PAD_TOP = 1,
    parameter int OUT_WIDTH = 8,  // what stands right of and below the image follows from these two
    parameter int OUT_HEIGHT = 8,
    parameter int FILL = 0,
    localparam int WORD = LANES * BITS
) (
    input  logic                              clk,
    input  logic                              rst,
    input  logic                              in_valid,
    output logic                              in_ready,
    input  logic [WORD-1:0]                   in_data,
    output logic                              out_valid,
    input  logic                              out_ready,
    output logic [KERNEL_H*KERNEL_W*WORD-1:0] out_data
);
    localparam int PIXELS = WIDTH * HEIGHT;
    // Slots of the first and of the last window, and how many of them are beyond the image.
    localparam int FIRST = (KERNEL_H - 1 - PAD_TOP) * WIDTH + KERNEL_W - 1 - PAD_LEFT;
    localparam int LAST = FIRST + (OUT_HEIGHT - 1) * STRIDE_H * WIDTH + (OUT_WIDTH - 1) * STRIDE_W;
    localparam int TAIL = LAST + 1 - PIXELS;
    // Slots from one window to the next: in a row, to the next row, to the next image.
    localparam int TO_ROW = STRIDE_H * WIDTH - (OUT_WIDTH - 1) * STRIDE_W;
    localparam int TO_IMAGE = PIXELS - LAST + FIRST;
    localparam int FARTHEST = FIRST > TO_ROW ? (FIRST > TO_IMAGE ? FIRST : TO_IMAGE)
                                             : (TO_ROW > TO_IMAGE ? TO_ROW : TO_IMAGE);
    localparam int GAP = $clog2((FARTHEST > STRIDE_W ? FARTHEST : STRIDE_W) + 1);
    localparam int ADDRESS = WIDTH * WORDS > 1 ? $clog2(WIDTH * WORDS) : 1;
    localparam int GROUP = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int PIXEL = PIXELS > 1 ? $clog2(PIXELS) : 1;
    localparam int X = $clog2(WIDTH + KERNEL_W + STRIDE_W) + 1;  // signed coordinates
    localparam int Y = $clog2(HEIGHT + KERNEL_H + STRIDE_H) + 1;

    // ---- slots: what is fetched, and which window leaves
    logic [ADDRESS-1:0]  address;  // of the column and word in the line memory
    logic [GROUP-1:0]    group;
    logic [PIXEL-1:0]    pixel;    // fetched next
    logic                owed;     // the image has been fetched, and windows of it are still to leave
    logic                flushing; // slots pass without input
    logic [GAP-1:0]      gap;      // slots until the next window
    logic signed [X-1:0] left;     // of that window, in the image
    logic signed [Y-1:0] top;

    wire advance    = !out_valid || out_ready;
    wire flush      = flushing || (owed && !in_valid && group == '0);
    wire step       = advance && (flush || in_valid);
    wire slot_ends  = step && group == GROUP'(WORDS - 1);
    wire emits      = gap == '0;
    wire row_ends   = left == X'((OUT_WIDTH - 1) * STRIDE_W - PAD_LEFT);
    wire image_ends = row_ends && top == Y'((OUT_HEIGHT - 1) * STRIDE_H - PAD_TOP);
    wire flush_ends = slot_ends && flush && emits && image_ends;
    wire fetch_ends = slot_ends && !flush && pixel == PIXEL'(PIXELS - 1);
    assign in_ready = advance && !flush;

    hass_counter #(.COUNT(WORDS)) groups (.clk, .rst, .step, .count(group));
    hass_counter #(.COUNT(WIDTH * WORDS)) addresses (
        .clk, .rst(rst || flush_ends), .step, .count(address));
    hass_counter #(.COUNT(PIXELS)) pixels (.clk, .rst, .step(slot_ends && !flush), .count(pixel));

    always_ff @(posedge clk)
        if (rst) begin
            owed     <= 1'b0;
            flushing <= 1'b0;
            gap      <= GAP'(FIRST);
            left     <= X'(-PAD_LEFT);
            top      <= Y'(-PAD_TOP);
        end else if (step) begin
            flushing <= flush && !flush_ends;
            owed     <= (TAIL > 0 && fetch_ends) || (owed && flush && !flush_ends);
            if (slot_ends) begin
                if (!emits) gap <= gap - 1'b1;
                else if (flush_ends) gap <= GAP'(FIRST);
                else if (image_ends) gap <= GAP'(TO_IMAGE - 1);
                else if (row_ends) gap <= GAP'(TO_ROW - 1);
                else gap <= GAP'(STRIDE_W - 1);
                if (emits) begin
                    left <= row_ends ? X'(-PAD_LEFT) : left + X'(STRIDE_W);
                    if (image_ends) top <= Y'(-PAD_TOP);
                    else if (row_ends) top <= top + Y'(STRIDE_H);
                end
            end
        end

    // ---- a cycle later: the word that came, and those above it from the line memory
    logic                valid_1, emits_1;
    logic [WORD-1:0]     data_1;
    logic signed [X-1:0] left_1;
    logic signed [Y-1:0] top_1;
    wire                 shift = advance && valid_1;

    always_ff @(posedge clk) begin
        if (rst) valid_1 <= 1'b0;
        else if (advance) valid_1 <= step;
        if (advance) begin
            emits_1 <= emits;
            data_1  <= in_data;
            left_1  <= left;
            top_1   <= top;
        end
    end

    wire [KERNEL_H*WORD-1:0] column;  // the uppermost row rightmost
    generate
        if (KERNEL_H > 1) begin : g_lines
            logic [(KERNEL_H-1)*WORD-1:0] lines [0:WIDTH*WORDS-1];
            logic [(KERNEL_H-1)*WORD-1:0] above;
            logic [ADDRESS-1:0]           address_1;

            assign column = {data_1, above};
            always_ff @(posedge clk) begin
                if (advance) begin
                    above     <= lines[address];
                    address_1 <= address;
                end
                if (shift) lines[address_1] <= column[KERNEL_H*WORD-1:WORD];
            end
        end else begin : g_no_lines
            assign column = data_1;
            wire unused = &{1'b0, address};
        end
    endgenerate

    // ---- the window: this column, and those before it
    wire [KERNEL_W*KERNEL_H*WORD-1:0] columns;  // the leftmost rightmost
    assign columns[(KERNEL_W-1)*KERNEL_H*WORD +: KERNEL_H*WORD] = column;
    for (genvar s = 0; s < KERNEL_W - 1; s++) begin : g_column
        hass_delay #(.BITS(KERNEL_H * WORD), .DEPTH(WORDS)) delay (
            .clk, .rst, .enable(shift),
            .in(columns[(s+1)*KERNEL_H*WORD +: KERNEL_H*WORD]),
            .out(columns[s*KERNEL_H*WORD +: KERNEL_H*WORD]));
    end

    always_ff @(posedge clk)
        if (rst) out_valid <= 1'b0;
        else if (advance) out_valid <= valid_1 && emits_1;

    for (genvar r = 0; r < KERNEL_H; r++) begin : g_row
        wire signed [Y-1:0] y = top_1 + Y'(r);
        for (genvar s = 0; s < KERNEL_W; s++) begin : g_tap
            wire signed [X-1:0] x = left_1 + X'(s);
            wire in_image = y >= 0 && y < Y'(HEIGHT) && x >= 0 && x < X'(WIDTH);
            always_ff @(posedge clk)  // a synchronous reset: no LUTs
                if (advance && !in_image)
                    out_data[(r*KERNEL_W+s)*WORD +: WORD] <= {LANES{BITS'(FILL)}};
                else if (advance)
                    out_data[(r*KERNEL_W+s)*WORD +: WORD] <= columns[(s*KERNEL_H+r)*WORD +: WORD];
        end
    end
endmodule
