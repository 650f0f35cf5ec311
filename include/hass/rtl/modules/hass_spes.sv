// hass_spes: FILTERS dot products of the paper at once for each of GROUPS groups, over STREAMS streams of
// channels, a hass_spe each; every one at its own pace as far as its FIFO reaches. A window holds for
// every tap GROUPS STREAMS VECTOR channels; those of group g and stream s go to the SPEs of both. SPE
// ee = (g FILTERS + f) STREAMS + s reads WEIGHTS_ee.mem; the sums of its streams are added up.
//
//   cycles   those of the slowest SPE of a dot product, nearly
//   costs    GROUPS FILTERS STREAMS hass_spe, each with a FIFO of 30 sums, and adders of streams
module hass_spes #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int GROUPS = 1,
    parameter int STREAMS = 1,
    parameter int VECTOR = 1,       // channels of a stream; divides POSITIONS
    parameter int POSITIONS = 9,    // of an SPE
    parameter int MULTIPLIERS = 3,  // of an SPE
    parameter int FILTERS = 1,      // GROUPS FILTERS STREAMS <= 100
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int THRESHOLD = 0,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights",
    localparam int WAYS = GROUPS * STREAMS,
    localparam int OUT = GROUPS * FILTERS
) (
    input  logic                           clk,
    input  logic                           rst,
    input  logic                           in_valid,
    output logic                           in_ready,
    input  logic [WAYS*POSITIONS*DATA-1:0] in_data,
    output logic                           out_valid,
    input  logic                           out_ready,
    output logic [OUT*SUM-1:0]             out_data,
    output logic                           busy  // any of them
);
    localparam int SPES = OUT * STREAMS;
    localparam int WORD = VECTOR * DATA;

    logic [SPES-1:0]                window_valid, window_ready, sum_valid, sum_ready;
    logic [SPES-1:0]                waiting_valid, waiting_ready, all_busy;
    logic [WAYS*POSITIONS*DATA-1:0] windows;
    logic [SPES*SUM-1:0]            sums, waiting, parts;
    logic                           parts_valid, parts_ready;
    assign busy = |all_busy;

    hass_fork #(.BITS(WAYS * POSITIONS * DATA), .WAYS(SPES)) to_spes (
        .clk, .rst, .in_valid, .in_ready, .in_data,
        .out_valid(window_valid), .out_ready(window_ready), .out_data(windows));

    for (genvar e = 0; e < SPES; e++) begin : g_spe
        localparam [7:0] TENS = "0" + 8'(e / 10);
        localparam [7:0] ONES = "0" + 8'(e % 10);
        localparam int WAY = e / STREAMS / FILTERS * STREAMS + e % STREAMS;
        wire [POSITIONS*DATA-1:0] window;
        for (genvar t = 0; t < POSITIONS / VECTOR; t++) begin : g_tap
            assign window[t*WORD +: WORD] = windows[(t*WAYS+WAY)*WORD +: WORD];
        end
        hass_spe #(.DATA(DATA), .WEIGHT(WEIGHT), .POSITIONS(POSITIONS), .MULTIPLIERS(MULTIPLIERS),
                   .WORDS(WORDS), .DOTS(DOTS), .THRESHOLD(THRESHOLD), .SUM(SUM),
                   .WEIGHTS({WEIGHTS, "_", TENS, ONES, ".mem"})) spe (
            .clk, .rst, .in_valid(window_valid[e]), .in_ready(window_ready[e]), .in_data(window),
            .out_valid(sum_valid[e]), .out_ready(sum_ready[e]), .out_data(sums[e*SUM +: SUM]),
            .busy(all_busy[e]));
        hass_fifo #(.BITS(SUM), .DEPTH(30)) fifo (
            .clk, .rst, .in_valid(sum_valid[e]), .in_ready(sum_ready[e]), .in_data(sums[e*SUM +: SUM]),
            .out_valid(waiting_valid[e]), .out_ready(waiting_ready[e]), .out_data(waiting[e*SUM +: SUM]));
    end

    hass_join #(.BITS(SUM), .WAYS(SPES)) from_spes (
        .in_valid(waiting_valid), .in_ready(waiting_ready), .in_data(waiting),
        .out_valid(parts_valid), .out_ready(parts_ready), .out_data(parts));

    generate
        if (STREAMS > 1) begin : g_add
            assign parts_ready = !out_valid || out_ready;
            always_ff @(posedge clk)
                if (rst) out_valid <= 1'b0;
                else if (parts_ready) out_valid <= parts_valid;
            for (genvar f = 0; f < OUT; f++) begin : g_filter
                logic [SUM-1:0] sum;
                always_comb begin
                    sum = '0;
                    for (int s = 0; s < STREAMS; s++) sum = sum + parts[(f*STREAMS+s)*SUM +: SUM];
                end
                always_ff @(posedge clk)
                    if (parts_ready) out_data[f*SUM +: SUM] <= sum;
            end
        end else begin : g_pass
            assign out_valid = parts_valid;
            assign parts_ready = out_ready;
            assign out_data = parts;
        end
    endgenerate
endmodule
