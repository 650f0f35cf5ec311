// hass_spe: the sparse vector dot-product engine of HASS (arXiv 2406.03088, figure 3) for one filter:
// values clipped at THRESHOLD, a zero filter over the pairs, an arbiter that hands the first MULTIPLIERS
// remaining pairs to the multipliers each cycle, an adder tree, an accumulator.
// Line d WORDS + w of WEIGHTS holds the POSITIONS weights of window w (position 0 rightmost), clipped.
//
//   cycles   max(1, ceil(pairs without a zero / MULTIPLIERS)) a window
//   costs    MULTIPLIERS DSPs, a crossbar of POSITIONS pairs by MULTIPLIERS, a FIFO of DEPTH windows of pairs
module hass_spe #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int POSITIONS = 9,
    parameter int MULTIPLIERS = 3,  // <= POSITIONS
    parameter int WORDS = 1,
    parameter int DOTS = 1,
    parameter int THRESHOLD = 0,
    parameter int DEPTH = 30,  // windows in the FIFO; a LUT-RAM has room for 32
    parameter int SUM = 48,
    parameter WEIGHTS = "weights.mem"
) (
    input  logic                      clk,
    input  logic                      rst,
    input  logic                      in_valid,
    output logic                      in_ready,
    input  logic [POSITIONS*DATA-1:0] in_data,
    output logic                      out_valid,
    input  logic                      out_ready,
    output logic [SUM-1:0]            out_data,
    output logic                      busy  // with a window, and not held up
);
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int WINDOWS = DOTS * WORDS;
    localparam int WINDOW = WINDOWS > 1 ? $clog2(WINDOWS) : 1;
    localparam int PRODUCT = DATA + WEIGHT;
    localparam int LEVELS = $clog2(MULTIPLIERS);
    localparam int TREE = PRODUCT + LEVELS;

    // ---- clipping and weights: one stage
    logic [WORD-1:0]             word;
    logic [WINDOW-1:0]           window;
    logic                        taken_valid, taken_ready, taken_last;
    logic [POSITIONS*DATA-1:0]   clipped;
    logic [POSITIONS*WEIGHT-1:0] row;
    wire                         take = in_valid && in_ready;

    hass_clip #(.BITS(DATA), .LANES(POSITIONS), .THRESHOLD(THRESHOLD)) clip (
        .clk, .rst, .in_valid, .in_ready, .in_data,
        .out_valid(taken_valid), .out_ready(taken_ready), .out_data(clipped));
    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(take), .count(word));
    hass_counter #(.COUNT(WINDOWS)) windows (.clk, .rst, .step(take), .count(window));
    hass_rom #(.BITS(POSITIONS * WEIGHT), .DEPTH(WINDOWS), .FILE(WEIGHTS)) rom (
        .clk, .enable(take), .address(window), .word(row));
    always_ff @(posedge clk)
        if (take) taken_last <= word == WORD'(WORDS - 1);

    // ---- zero filter, FIFO
    logic [POSITIONS-1:0]        pairs, queued_pairs;
    logic [POSITIONS*DATA-1:0]   values;
    logic [POSITIONS*WEIGHT-1:0] weights;
    logic                        queued, queued_last, pop;

    for (genvar p = 0; p < POSITIONS; p++) begin : g_pair
        assign pairs[p] = |clipped[p*DATA +: DATA] && |row[p*WEIGHT +: WEIGHT];
    end
    hass_fifo #(.BITS(1 + POSITIONS * (1 + DATA + WEIGHT)), .DEPTH(DEPTH)) fifo (
        .clk, .rst, .in_valid(taken_valid), .in_ready(taken_ready),
        .in_data({taken_last, pairs, clipped, row}),
        .out_valid(queued), .out_ready(pop), .out_data({queued_last, queued_pairs, values, weights}));

    // ---- arbiter: the first MULTIPLIERS of the remaining pairs
    logic                 enable;
    logic [POSITIONS-1:0] done;
    logic [POSITIONS-1:0] rest;                    // when all multipliers have chosen
    logic [MULTIPLIERS*POSITIONS-1:0] all_chosen;  // a pair a multiplier

    always_comb begin
        rest = queued_pairs & ~done;
        for (int n = 0; n < MULTIPLIERS; n++) begin
            all_chosen[n*POSITIONS +: POSITIONS] = rest & ~(rest - 1'b1);  // the lowest one
            rest = rest & (rest - 1'b1);
        end
    end
    assign pop = enable && rest == '0;
    assign busy = enable && queued;
    always_ff @(posedge clk)
        if (rst) done <= '0;
        else if (queued && enable) done <= rest == '0 ? '0 : queued_pairs & ~rest;

    // ---- crossbar and multipliers
    logic [MULTIPLIERS*PRODUCT-1:0] products;

    for (genvar n = 0; n < MULTIPLIERS; n++) begin : g_multiplier
        wire [POSITIONS-1:0] chosen = all_chosen[n*POSITIONS +: POSITIONS];
        logic [DATA-1:0]   a_chosen;
        logic [WEIGHT-1:0] b_chosen;
        always_comb begin
            a_chosen = '0;
            b_chosen = '0;
            for (int p = 0; p < POSITIONS; p++) begin
                a_chosen |= values[p*DATA +: DATA] & {DATA{chosen[p] && queued}};
                b_chosen |= weights[p*WEIGHT +: WEIGHT] & {WEIGHT{chosen[p]}};
            end
        end

        logic signed [DATA-1:0]    a;
        logic signed [WEIGHT-1:0]  b;
        logic signed [PRODUCT-1:0] product;
        always_ff @(posedge clk)
            if (enable) begin
                a       <= a_chosen;
                b       <= b_chosen;
                product <= PRODUCT'(a) * PRODUCT'(b);
            end
        assign products[n*PRODUCT +: PRODUCT] = product;
    end

    // ---- adder tree and accumulator
    logic [LEVELS+1:0]       ends;   // the last products of a dot product, down to the tree's root
    // where a whole dot product is narrower than the tree, the upper bits repeat the sign
    /* verilator lint_off UNUSEDSIGNAL */
    logic signed [TREE-1:0]  sum;
    /* verilator lint_on UNUSEDSIGNAL */
    logic signed [SUM-1:0]   total;  // of the products before
    wire signed [SUM-1:0]    new_total = total + SUM'(sum);

    hass_adder_tree #(.IN(PRODUCT), .COUNT(MULTIPLIERS), .OUT(TREE)) tree (
        .clk, .enable, .in(products), .sum);
    assign enable = !out_valid || out_ready;
    always_ff @(posedge clk)
        if (rst) begin
            ends      <= '0;
            out_valid <= 1'b0;
            total     <= '0;
        end else if (enable) begin
            ends      <= {ends[LEVELS:0], queued && pop && queued_last};
            out_valid <= ends[LEVELS+1];
            out_data  <= new_total;
            total     <= ends[LEVELS+1] ? '0 : new_total;
        end
endmodule
