// hass_lanes: as hass_dense, but only what is not zero is multiplied: pairs where FILTERS is 1; else
// values, at positions where not all FILTERS weights are zero. Position k MULTIPLIERS + n belongs to lane
// n; lanes drift apart and meet at the end of a dot product.
//
// Weights as in hass_dense. Line d WORDS + w of the memory MASKS holds a bit a position (position 0
// rightmost): whether any of its FILTERS weights is not zero. Without MASKED every weight counts as not zero,
// and there is no such memory.
//
//   cycles   a dot product: the most that any lane has to multiply, at least WORDS; what DEPTH windows
//            cannot level out comes on top. Latency MULTIPLIERS + 6 behind the last product
//   costs    MULTIPLIERS FILTERS DSPs, MULTIPLIERS hass_lane and memories; nothing else grows with FILTERS
module hass_lanes #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int POSITIONS = 9,
    parameter int MULTIPLIERS = 3,  // <= POSITIONS, of a filter
    parameter int FILTERS = 1,
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int DEPTH = 8,
    parameter int SUM = 48,
    parameter bit MASKED = 1'b1,
    parameter WEIGHTS = "weights",
    parameter MASKS = "masks.mem"
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      in_valid,
    output logic                      in_ready,
    input  logic [POSITIONS*DATA-1:0] in_data,
    output logic                      out_valid,
    input  logic                      out_ready,
    output logic [FILTERS*SUM-1:0]    out_data,
    output logic                      busy  // with a window, held up or not
);
    localparam int STEPS = (POSITIONS + MULTIPLIERS - 1) / MULTIPLIERS;
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int WINDOWS = DOTS * WORDS;
    localparam int WINDOW = WINDOWS > 1 ? $clog2(WINDOWS) : 1;
    localparam int ADDRESS = WINDOWS * STEPS > 1 ? $clog2(WINDOWS * STEPS) : 1;

    logic                   enable, primed, last, last_1;
    logic [MULTIPLIERS-1:0] full, finished, working;
    logic [3:1]             pushed;  // windows on their way to the lanes, where they may be empty
    logic [POSITIONS-1:0]   weight_mask;
    logic [WORD-1:0]        word;
    logic [ADDRESS-1:0]     base;

    wire push = in_valid && in_ready;
    wire all_finished = &finished;
    assign in_ready = primed && full == '0;
    assign busy = pushed[3] || |working;

    // The mask of the next window is read while this one is taken.
    generate
        if (MASKED) begin : g_masks
            logic [WINDOW-1:0] next_window;
            hass_rom #(.BITS(POSITIONS), .DEPTH(WINDOWS), .FILE(MASKS)) masks (
                .clk, .enable(push || !primed), .address(next_window), .word(weight_mask));
            hass_counter #(.COUNT(WINDOWS)) windows (
                .clk, .rst, .step(push || !primed), .count(next_window));
        end else begin : g_no_masks
            assign weight_mask = '1;
        end
    endgenerate
    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(push), .count(word));

    always_ff @(posedge clk)
        if (rst) begin
            primed <= 1'b0;
            pushed <= '0;
            base   <= '0;
            {last, last_1} <= '0;
        end else begin
            primed <= 1'b1;
            pushed <= {pushed[2:1], push};
            if (push) base <= base == ADDRESS'((WINDOWS - 1) * STEPS) ? '0 : base + ADDRESS'(STEPS);
            if (enable) {last, last_1} <= {last_1, all_finished};
        end

    logic [MULTIPLIERS*DATA-1:0]           values;
    logic [MULTIPLIERS*FILTERS*WEIGHT-1:0] weights;

    for (genvar n = 0; n < MULTIPLIERS; n++) begin : g_lane
        localparam int MINE = (POSITIONS - n + MULTIPLIERS - 1) / MULTIPLIERS;
        wire [MINE*DATA-1:0] mine;
        wire [MINE-1:0]      mask;
        wire [ADDRESS-1:0]   address;
        for (genvar k = 0; k < MINE; k++) begin : g_position
            assign mine[k*DATA +: DATA] = in_data[(k*MULTIPLIERS+n)*DATA +: DATA];
            assign mask[k] = |mine[k*DATA +: DATA] && weight_mask[k*MULTIPLIERS+n];
        end

        hass_lane #(.DATA(DATA), .POSITIONS(MINE), .ADDRESS(ADDRESS), .SKEW(n), .DEPTH(DEPTH)) lane (
            .clk, .rst, .enable, .push, .mask, .values(mine), .base, .last(word == WORD'(WORDS - 1)),
            .full(full[n]), .working(working[n]), .finished(finished[n]), .all_finished, .address,
            .value(values[n*DATA +: DATA]));
        hass_lane_rom #(.BITS(FILTERS * WEIGHT), .DEPTH(WINDOWS * STEPS), .PREFIX(WEIGHTS), .NUMBER(n))
            rom (.clk, .enable, .address,
                 .word(weights[n*FILTERS*WEIGHT +: FILTERS*WEIGHT]));
    end

    hass_cascade #(.DATA(DATA), .WEIGHT(WEIGHT), .LANES(MULTIPLIERS), .FILTERS(FILTERS), .SUM(SUM))
        cascade (.clk, .rst, .enable, .last, .a(values), .weights, .out_valid, .out_ready, .out_data);
endmodule
