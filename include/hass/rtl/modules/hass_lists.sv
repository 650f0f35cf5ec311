// hass_lists: a convolution whose line buffer holds lists: of every pixel only the channels that are not
// zero (hass_list_lane). The lists of a window are replayed for each block of MULTIPLIERS filters; an
// entry goes to all multipliers, and sums stay in the DSPs (hass_list_engine). Zero values, padding and
// empty pixels cost nothing; no window is ever built.
//
// Words hold LANES channels, each lane its own. Sums leave in the order of the filters, SUMS =
// MULTIPLIERS / CHAIN a word. Line (b taps + t) WORDS + w of WEIGHTS_nn.mem holds the weights of filters
// b MULTIPLIERS and following (the first rightmost) for tap t and channel w LANES + nn.
//
//   cycles   a pixel: BLOCKS max(most entries of a lane + CHAIN, taps), and some where a lane waits for the
//            next list because those before it were short (`walk` in tests/rtl/test_lists.cpp is exact).
//            At least WORDS for every pixel that comes
//   costs    a hass_list_engine and hass_list_windows
//   needs    SLOTS >= (KERNEL_H - 1) WIDTH + KERNEL_W: more let the filling run ahead;
//            WIDTH <= SLOTS, PAD_LEFT < KERNEL_W, PAD_TOP < KERNEL_H
module hass_lists #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int LANES = 1,
    parameter int WORDS = 4,
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
    parameter int MULTIPLIERS = 4,
    parameter int BLOCKS = 1,  // filters / MULTIPLIERS
    parameter int CHAIN = 4,   // divides MULTIPLIERS
    parameter int SLOTS = (KERNEL_H - 1) * WIDTH + KERNEL_W + 2 * STRIDE_W,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights",
    localparam int SUMS = MULTIPLIERS / CHAIN
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  in_valid,
    output logic                  in_ready,
    input  logic [LANES*DATA-1:0] in_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [SUMS*SUM-1:0]   out_data,
    output logic                  busy  // with a pixel whose inputs are there, and not held up
);
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int SLOT = $clog2(SLOTS);
    // Pixels between corners of windows at most, in magnitude.
    localparam int TO_ROW = STRIDE_H * WIDTH - (OUT_WIDTH - 1) * STRIDE_W;
    localparam int FARTHEST = WIDTH * HEIGHT > TO_ROW ? WIDTH * HEIGHT : TO_ROW;
    localparam int REACH = $clog2(SLOTS + 2 * FARTHEST) + 1;

    // ---- filling
    logic [WORD-1:0]         word;
    logic [SLOT-1:0]         write_slot;
    logic signed [REACH-1:0] reach;  // pixels that have come, from the corner on
    wire push = in_valid && in_ready;
    wire last_word = word == WORD'(WORDS - 1);
    assign in_ready = reach < REACH'(SLOTS);

    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(push), .count(word));
    hass_counter #(.COUNT(SLOTS)) slots (.clk, .rst, .step(push && last_word), .count(write_slot));

    // ---- the window, and whether its pixels have come
    logic [SLOT-1:0]         corner;
    logic [KERNEL_H-1:0]     rows_in;
    logic [KERNEL_W-1:0]     columns_in;
    logic signed [REACH-1:0] need, step;
    logic                    given, load, window_ends;
    wire ready = given && reach >= need;

    hass_list_windows #(.WIDTH(WIDTH), .HEIGHT(HEIGHT), .KERNEL_W(KERNEL_W), .KERNEL_H(KERNEL_H),
                        .STRIDE_W(STRIDE_W), .STRIDE_H(STRIDE_H), .PAD_LEFT(PAD_LEFT), .PAD_TOP(PAD_TOP),
                        .OUT_WIDTH(OUT_WIDTH), .OUT_HEIGHT(OUT_HEIGHT), .SLOTS(SLOTS),
                        .REACH(REACH)) windows (
        .clk, .rst, .take(window_ends), .valid(given), .corner, .rows_in, .columns_in, .need, .load, .step);

    always_ff @(posedge clk)
        if (rst) reach <= REACH'(PAD_TOP * WIDTH + PAD_LEFT);
        else reach <= reach + REACH'({1'b0, push && last_word}) - (load ? step : '0);

    hass_list_engine #(.DATA(DATA), .WEIGHT(WEIGHT), .LANES(LANES), .WORDS(WORDS), .WIDTH(WIDTH),
                       .KERNEL_W(KERNEL_W), .KERNEL_H(KERNEL_H), .MULTIPLIERS(MULTIPLIERS), .BLOCKS(BLOCKS),
                       .CHAIN(CHAIN), .SLOTS(SLOTS), .SUM(SUM), .WEIGHTS(WEIGHTS)) engine (
        .clk, .rst, .push, .word, .last_word, .write_slot, .in_data, .ready, .corner, .rows_in, .columns_in,
        .window_ends, .out_valid, .out_ready, .out_data, .busy);
endmodule
