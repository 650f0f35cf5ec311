// hass_dense: dot products of windows and weights, every pair, whether it is zero or not.
// A dot product spans WORDS windows of POSITIONS values; FILTERS of them are computed at once. After DOTS
// of them the weights start again: DOTS = filters / FILTERS where hass_replay repeats the windows of a
// pixel, the number of channels where a layer is depthwise.
//
// Lane n multiplies position k MULTIPLIERS + n in step k. Line (d WORDS + w) STEPS + k of its memory
// WEIGHTS_nn.mem holds the weights of FILTERS filters, the first rightmost.
//
//   cycles   STEPS = ceil(POSITIONS / MULTIPLIERS) a window; latency MULTIPLIERS + 4 behind the last step
//   costs    MULTIPLIERS FILTERS DSPs, a multiplexer of STEPS values a lane, MULTIPLIERS memories
module hass_dense #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int POSITIONS = 9,
    parameter int MULTIPLIERS = 3,  // <= POSITIONS, of a filter
    parameter int FILTERS = 1,
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights"
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      in_valid,
    output logic                      in_ready,
    input  logic [POSITIONS*DATA-1:0] in_data,
    output logic                      out_valid,
    input  logic                      out_ready,
    output logic [FILTERS*SUM-1:0]    out_data
);
    localparam int STEPS = (POSITIONS + MULTIPLIERS - 1) / MULTIPLIERS;
    localparam int STEP = STEPS > 1 ? $clog2(STEPS) : 1;
    localparam int PLACE = 2 ** $clog2(DATA);  // of a value: a multiplexer without a multiplication
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int DEPTH = DOTS * WORDS * STEPS;
    localparam int ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;

    logic [STEP-1:0]    step;
    logic [WORD-1:0]    word;
    logic [ADDRESS-1:0] address;
    logic               enable, last;

    wire run = in_valid && enable;
    wire window_ends = step == STEP'(STEPS - 1);
    assign in_ready = enable && window_ends;

    hass_counter #(.COUNT(STEPS)) steps (.clk, .rst, .step(run), .count(step));
    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(run && window_ends), .count(word));
    hass_counter #(.COUNT(DEPTH)) addresses (.clk, .rst, .step(run), .count(address));

    always_ff @(posedge clk)
        if (rst) last <= 1'b0;
        else if (enable) last <= run && window_ends && word == WORD'(WORDS - 1);

    logic [MULTIPLIERS*DATA-1:0]           values;
    logic [MULTIPLIERS*FILTERS*WEIGHT-1:0] weights;

    for (genvar n = 0; n < MULTIPLIERS; n++) begin : g_lane
        // Positions of the lane, the last one a zero where its number is not whole.
        wire [STEPS*PLACE-1:0] candidates;
        for (genvar k = 0; k < STEPS; k++) begin : g_step
            if (k * MULTIPLIERS + n < POSITIONS) begin : g_value
                assign candidates[k*PLACE +: PLACE] = PLACE'(in_data[(k*MULTIPLIERS+n)*DATA +: DATA]);
            end else begin : g_zero
                assign candidates[k*PLACE +: PLACE] = '0;
            end
        end

        logic [DATA-1:0]    value;
        logic [ADDRESS-1:0] address_1, address_n;
        always_ff @(posedge clk)
            if (rst || (enable && !in_valid)) value <= '0;
            else if (enable) value <= candidates[32'(step)*PLACE +: DATA];
        always_ff @(posedge clk)
            if (enable) address_1 <= address;
        hass_delay #(.BITS(DATA + ADDRESS), .DEPTH(n)) skew (
            .clk, .rst, .enable, .in({value, address_1}), .out({values[n*DATA +: DATA], address_n}));
        hass_lane_rom #(.BITS(FILTERS * WEIGHT), .DEPTH(DEPTH), .PREFIX(WEIGHTS), .NUMBER(n)) rom (
            .clk, .enable, .address(address_n), .word(weights[n*FILTERS*WEIGHT +: FILTERS*WEIGHT]));
    end

    hass_cascade #(.DATA(DATA), .WEIGHT(WEIGHT), .LANES(MULTIPLIERS), .FILTERS(FILTERS), .SUM(SUM))
        cascade (.clk, .rst, .enable, .last, .a(values), .weights, .out_valid, .out_ready, .out_data);
endmodule
