// hass_list_array: REPLICAS hass_list_engine that share output pixels: the next one goes to the first that is free.
// Each has lists of the whole input, filled alike. Sums wait in FIFOs of two pixels and leave in the pixels'
// order.
//
//   cycles   those of hass_lists / REPLICAS, where SLOTS leave room for pixels that one replica is ahead of
//            another; a cycle more for each of two that are free at once
//   costs    REPLICAS hass_list_engine, as many FIFOs of 2 BLOCKS CHAIN words; a hass_list_windows, two FIFOs of
//            2 REPLICAS + 2 numbers of replicas
//   needs    as hass_lists, and 2 REPLICAS STRIDE_W more SLOTS than (KERNEL_H - 1) WIDTH + KERNEL_W to be that fast
module hass_list_array #(
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
    parameter int BLOCKS = 1,
    parameter int CHAIN = 4,
    parameter int REPLICAS = 2,
    parameter int SLOTS = (KERNEL_H - 1) * WIDTH + KERNEL_W + 2 * REPLICAS * STRIDE_W,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights",
    localparam int OUT = MULTIPLIERS / CHAIN * SUM
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  in_valid,
    output logic                  in_ready,
    input  logic [LANES*DATA-1:0] in_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [OUT-1:0]        out_data,
    output logic                  busy  // of one replica after another, a cycle each
);
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int SLOT = $clog2(SLOTS);
    localparam int WAY = REPLICAS > 1 ? $clog2(REPLICAS) : 1;
    localparam int UNDER_WAY = 2 * REPLICAS + 2;  // windows
    localparam int ENDED = $clog2(UNDER_WAY + 2);
    // Pixels between corners of windows at most, in magnitude.
    localparam int TO_ROW = STRIDE_H * WIDTH - (OUT_WIDTH - 1) * STRIDE_W;
    localparam int FARTHEST = WIDTH * HEIGHT > TO_ROW ? WIDTH * HEIGHT : TO_ROW;
    localparam int REACH = $clog2(SLOTS + 2 * FARTHEST) + 1;

    // ---- filling
    logic [WORD-1:0]         word;
    logic [SLOT-1:0]         write_slot;
    logic signed [REACH-1:0] held;  // pixels that have come, from the corner of the oldest window on
    wire push = in_valid && in_ready;
    wire last_word = word == WORD'(WORDS - 1);
    assign in_ready = held < REACH'(SLOTS);

    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(push), .count(word));
    hass_counter #(.COUNT(SLOTS)) slots (.clk, .rst, .step(push && last_word), .count(write_slot));

    // ---- the next window, and whether its pixels have come
    logic [SLOT-1:0]         corner;
    logic [KERNEL_H-1:0]     rows_in;
    logic [KERNEL_W-1:0]     columns_in;
    logic signed [REACH-1:0] need, step, reach;  // reach: as `held`, from its corner on
    logic                    given, load, begins;

    hass_list_windows #(.WIDTH(WIDTH), .HEIGHT(HEIGHT), .KERNEL_W(KERNEL_W), .KERNEL_H(KERNEL_H),
                        .STRIDE_W(STRIDE_W), .STRIDE_H(STRIDE_H), .PAD_LEFT(PAD_LEFT), .PAD_TOP(PAD_TOP),
                        .OUT_WIDTH(OUT_WIDTH), .OUT_HEIGHT(OUT_HEIGHT), .SLOTS(SLOTS),
                        .REACH(REACH)) windows (
        .clk, .rst, .take(begins), .valid(given), .corner, .rows_in, .columns_in, .need, .load, .step);

    // ---- to the first replica that is free
    logic [REPLICAS-1:0] working, ends, free;
    logic [WAY-1:0]      first;
    logic                oldest_ready, turn_ready;

    assign free = ~working | ends;
    assign begins = given && reach >= need && |free && oldest_ready && turn_ready;
    always_comb begin
        first = '0;
        for (int r = REPLICAS - 1; r >= 0; r--) if (free[r]) first = WAY'(r);
    end

    // ---- a window's pixels are let go when it has ended and all before it have
    logic                    oldest_valid, turn_valid, turn_ends;
    logic [WAY-1:0]          oldest, turn;
    logic signed [REACH-1:0] oldest_step;  // to the one behind it
    logic [ENDED-1:0]        ended [0:REPLICAS-1];  // windows whose pixels are held for others
    wire lets_go = oldest_valid && ended[oldest] != '0;

    hass_fifo #(.BITS(WAY + REACH), .DEPTH(UNDER_WAY)) under_way (
        .clk, .rst, .in_valid(begins), .in_ready(oldest_ready), .in_data({first, step}),
        .out_valid(oldest_valid), .out_ready(lets_go), .out_data({oldest, oldest_step}));
    hass_fifo #(.BITS(WAY), .DEPTH(UNDER_WAY)) in_turn (
        .clk, .rst, .in_valid(begins), .in_ready(turn_ready), .in_data(first),
        .out_valid(turn_valid), .out_ready(turn_ends), .out_data(turn));

    always_ff @(posedge clk)
        if (rst) begin
            reach <= REACH'(PAD_TOP * WIDTH + PAD_LEFT);
            held  <= REACH'(PAD_TOP * WIDTH + PAD_LEFT);
        end else begin
            reach <= reach + REACH'({1'b0, push && last_word}) - (load ? step : '0);
            held  <= held + REACH'({1'b0, push && last_word}) - (lets_go ? oldest_step : '0);
        end

    // ---- replicas
    logic [REPLICAS-1:0]     sum_valid, sum_ready, way_valid, way_ready, all_busy;
    logic [REPLICAS*OUT-1:0] sums, ways;

    for (genvar r = 0; r < REPLICAS; r++) begin : g_replica
        logic [SLOT-1:0]     its_corner;
        logic [KERNEL_H-1:0] its_rows;
        logic [KERNEL_W-1:0] its_columns;
        wire takes = begins && first == WAY'(r);
        wire goes = lets_go && oldest == WAY'(r);

        always_ff @(posedge clk) begin
            if (rst) begin
                working[r] <= 1'b0;
                ended[r]   <= '0;
            end else begin
                working[r] <= takes || (working[r] && !ends[r]);
                if (ends[r] && !goes) ended[r] <= ended[r] + 1'b1;
                if (goes && !ends[r]) ended[r] <= ended[r] - 1'b1;
            end
            if (takes) begin
                its_corner  <= corner;
                its_rows    <= rows_in;
                its_columns <= columns_in;
            end
        end

        hass_list_engine #(.DATA(DATA), .WEIGHT(WEIGHT), .LANES(LANES), .WORDS(WORDS), .WIDTH(WIDTH),
                           .KERNEL_W(KERNEL_W), .KERNEL_H(KERNEL_H), .MULTIPLIERS(MULTIPLIERS),
                           .BLOCKS(BLOCKS), .CHAIN(CHAIN), .SLOTS(SLOTS), .SUM(SUM), .WEIGHTS(WEIGHTS)) engine (
            .clk, .rst, .push, .word, .last_word, .write_slot, .in_data,
            .ready(working[r]), .corner(its_corner), .rows_in(its_rows), .columns_in(its_columns),
            .window_ends(ends[r]), .out_valid(sum_valid[r]), .out_ready(sum_ready[r]),
            .out_data(sums[r*OUT +: OUT]), .busy(all_busy[r]));
        hass_fifo #(.BITS(OUT), .DEPTH(2 * BLOCKS * CHAIN)) fifo (
            .clk, .rst, .in_valid(sum_valid[r]), .in_ready(sum_ready[r]), .in_data(sums[r*OUT +: OUT]),
            .out_valid(way_valid[r]), .out_ready(way_ready[r]), .out_data(ways[r*OUT +: OUT]));
    end

    // ---- sums in the order of windows
    hass_turns #(.BITS(OUT), .WAYS(REPLICAS), .WORDS(BLOCKS * CHAIN)) turns (
        .clk, .rst, .turn_valid, .turn, .turn_ends, .in_valid(way_valid), .in_ready(way_ready), .in_data(ways),
        .out_valid, .out_ready, .out_data);

    logic [WAY-1:0] looked_at;
    hass_counter #(.COUNT(REPLICAS)) looks (.clk, .rst, .step(1'b1), .count(looked_at));
    assign busy = all_busy[looked_at];
endmodule
