// hass_lane: one lane of hass_lanes. Of every window it gets POSITIONS values, of which `mask` says the
// ones to multiply; each cycle it gives one of them and where its weights are. A window without any is
// never stored, unless it ends a dot product of which the lane has nothing else left.
//
// The masks wait in a queue, the values in a ring: a value is chosen by the lowest bit of the current
// mask, and what the cascade's skew delays is ring slot and position, not the value.
//
//   cycles   ones of the mask a window, none where there is none, at least one a dot product
//   costs    a hass_queue of POSITIONS + 1 bits and a register of as many, a LUTRAM of POSITIONS values and an
//            address, a priority encoder and a multiplexer of POSITIONS
module hass_lane #(
    parameter int DATA = 16,
    parameter int POSITIONS = 3,
    parameter int ADDRESS = 12,
    parameter int SKEW = 0,  // cycles behind lane 0
    parameter int DEPTH = 8  // windows that the lane may be behind, 2 .. 16
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      enable,
    // a window
    input  logic                      push,
    input  logic [POSITIONS-1:0]      mask,
    input  logic [POSITIONS*DATA-1:0] values,
    input  logic [ADDRESS-1:0]        base,  // of its weights
    input  logic                      last,  // of its dot product
    output logic                      full,
    output logic                      working,  // on a window
    // the barrier at the end of a dot product: its last product is chosen in the cycle in which all have
    // finished
    output logic                      finished,
    input  logic                      all_finished,
    // a product
    output logic [ADDRESS-1:0]        address,
    output logic [DATA-1:0]           value
);
    localparam int INDEX = POSITIONS > 1 ? $clog2(POSITIONS) : 1;
    localparam int SLOT = $clog2(DEPTH + SKEW + 5);  // held, queued, current, and on their way to the ring

    // ---- windows that have anything to multiply: the newest is held back, unless the lane has nothing else,
    // to be marked as the dot product's last one where those behind it are empty
    logic [POSITIONS-1:0] queued_mask, held_mask;
    logic                 queued_last, empty, pop, held, held_last, load;
    logic [SLOT-1:0]      write_slot;
    wire any    = |mask;
    wire open   = held && !held_last;             // of the dot product that still comes
    wire closes = push && last && !any && open;
    wire keep   = push && (any || (last && !open));
    wire give   = held && !full && (held_last || (push && any) || (enable && load && empty));

    hass_queue #(.BITS(POSITIONS + 1), .DEPTH(DEPTH)) queue (
        .clk, .rst, .push(give), .in({held_last || closes, held_mask}), .pop,
        .head({queued_last, queued_mask}), .empty, .full);
    always_ff @(posedge clk) begin
        if (rst) begin
            held       <= 1'b0;
            write_slot <= '0;
        end else begin
            held <= keep || (held && !give);
            if (keep) write_slot <= write_slot + 1'b1;
        end
        if (keep) {held_last, held_mask} <= {last, mask};
        else if (closes) held_last <= 1'b1;
    end

    // ---- the current window, a one of its mask a cycle
    logic [POSITIONS-1:0] current;
    logic                 current_valid, current_last, waiting;
    logic [SLOT-1:0]      slot;
    logic [INDEX-1:0]     index;

    wire [POSITIONS-1:0] rest = current & (current - 1'b1);
    wire window_ends = current_valid && rest == '0;
    wire blocked = finished && !all_finished;
    assign working = current_valid;
    assign load = (!current_valid || window_ends) && !blocked;
    assign finished = waiting || (window_ends && current_last);
    assign pop = enable && load && !empty;

    always_comb begin
        index = '0;
        for (int i = POSITIONS - 1; i >= 0; i--)
            if (current[i]) index = INDEX'(i);
    end

    always_ff @(posedge clk) begin
        if (rst) begin
            current_valid <= 1'b0;
            waiting       <= 1'b0;
            slot          <= '1;
        end else if (enable) begin
            waiting <= blocked;
            if (blocked) current_valid <= 1'b0;
            else if (load) current_valid <= !empty;
            if (pop) slot <= slot + 1'b1;
        end
        if (enable) begin
            current <= load ? queued_mask : rest;
            if (load) current_last <= queued_last;
        end
    end

    // ---- what was chosen, delayed by the skew, then looked up
    logic             chosen, chosen_n;
    logic [INDEX-1:0] chosen_index, index_n;
    logic [SLOT-1:0]  chosen_slot, slot_n;

    always_ff @(posedge clk)
        if (enable) begin
            chosen       <= current_valid && current != '0 && !rst;
            chosen_index <= index;
            chosen_slot  <= slot;
        end
    hass_delay #(.BITS(1 + INDEX + SLOT), .DEPTH(SKEW)) skew (
        .clk, .rst, .enable, .in({chosen, chosen_index, chosen_slot}), .out({chosen_n, index_n, slot_n}));

    (* ram_style = "distributed" *)
    logic [ADDRESS+POSITIONS*DATA-1:0] ring [0:2**SLOT-1];
    wire [ADDRESS-1:0]                 ring_base;
    wire [POSITIONS*DATA-1:0]          ring_values;

    // Values at powers of two: a multiplexer without a multiplication.
    localparam int PLACE = 2 ** $clog2(DATA);
    wire [POSITIONS*PLACE-1:0] placed;
    for (genvar p = 0; p < POSITIONS; p++) begin : g_place
        assign placed[p*PLACE +: PLACE] = PLACE'(ring_values[p*DATA +: DATA]);
    end

    assign {ring_base, ring_values} = ring[slot_n];
    always_ff @(posedge clk) begin
        if (keep) ring[write_slot] <= {base, values};
        if (enable) address <= ring_base + ADDRESS'(index_n);
        if (enable && !chosen_n) value <= '0;
        else if (enable) value <= placed[32'(index_n)*PLACE +: DATA];
    end
endmodule
