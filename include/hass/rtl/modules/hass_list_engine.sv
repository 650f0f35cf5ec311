// hass_list_engine: what hass_lists and hass_list_array do with a window: of every pixel the channels that are not
// zero (hass_list_lane) are walked for each block of MULTIPLIERS filters; an entry goes to all multipliers, whose
// weights a memory gives at the entry's address, and sums stay in the DSPs. Then they leave down a cascade
// of CHAIN DSPs, which clears them.
//
//   cycles   as hass_lists states, beginning with `ready`
//   costs    LANES MULTIPLIERS DSPs, LANES hass_list_lane, (LANES - 1) SUMS adders
module hass_list_engine #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int LANES = 1,
    parameter int WORDS = 4,
    parameter int WIDTH = 8,
    parameter int KERNEL_W = 3,
    parameter int KERNEL_H = 3,
    parameter int MULTIPLIERS = 4,
    parameter int BLOCKS = 1,  // filters / MULTIPLIERS
    parameter int CHAIN = 4,   // divides MULTIPLIERS
    parameter int SLOTS = 21,
    parameter int SUM = 48,
    parameter WEIGHTS = "weights",
    localparam int SUMS = MULTIPLIERS / CHAIN,
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1,
    localparam int SLOT = $clog2(SLOTS)
) (
    input  logic                  clk,
    input  logic                  rst,
    // a word of a pixel
    input  logic                  push,
    input  logic [WORD-1:0]       word,
    input  logic                  last_word,
    input  logic [SLOT-1:0]       write_slot,
    input  logic [LANES*DATA-1:0] in_data,
    // a window whose pixels have come, until it ends
    input  logic                  ready,
    input  logic [SLOT-1:0]       corner,      // slot of its upper left tap
    input  logic [KERNEL_H-1:0]   rows_in,     // rows and columns within the image
    input  logic [KERNEL_W-1:0]   columns_in,
    output logic                  window_ends,
    // its sums
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [SUMS*SUM-1:0]   out_data,
    output logic                  busy         // with a window, and not held up
);
    localparam int DEPTH = BLOCKS * KERNEL_W * KERNEL_H * WORDS;
    localparam int ADDRESS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam int BLOCK = BLOCKS > 1 ? $clog2(BLOCKS) : 1;
    localparam int LINK = CHAIN > 1 ? $clog2(CHAIN) : 1;

    wire enable = !out_valid || out_ready;

    // ---- blocks of filters: walk, then drain
    logic             run, drain, armed;  // armed: the scanners are on the block that runs next
    logic [BLOCK-1:0] block;
    logic [LINK-1:0]  link;
    logic [LANES-1:0] finished;

    wire last_block = block == BLOCK'(BLOCKS - 1);
    wire block_ends = enable && run && &finished;
    wire new_window = enable && !armed && ready;
    wire scan = new_window || (block_ends && !last_block);
    wire drain_ends = drain && link == LINK'(CHAIN - 1);
    assign window_ends = block_ends && last_block;
    assign busy = enable && (armed || ready);

    hass_counter #(.COUNT(BLOCKS)) blocks (.clk, .rst, .step(block_ends), .count(block));
    hass_counter #(.COUNT(CHAIN)) links (.clk, .rst, .step(enable && drain), .count(link));

    always_ff @(posedge clk)
        if (rst) {run, drain, armed} <= '0;
        else if (enable) begin
            if (block_ends) armed <= !last_block;
            else if (new_window) armed <= 1'b1;
            if (block_ends) {run, drain} <= 2'b01;
            else if (!run && (!drain || drain_ends)) {run, drain} <= {armed || new_window, 1'b0};
        end

    // ---- lanes: value a cycle after the walk's slot, weights after two, the DSP's controls after three
    logic [3:1]               drains;
    logic [1:0]               sum_valid;
    logic [LANES*SUMS*48-1:0] ends;  // of the chains

    always_ff @(posedge clk)
        if (rst) {out_valid, sum_valid, drains} <= '0;
        else if (enable) begin
            drains <= {drains[2:1], drain};
            {out_valid, sum_valid} <= {sum_valid, drains[2]};
        end

    for (genvar n = 0; n < LANES; n++) begin : g_lane
        wire [DATA-1:0]               value;
        wire [ADDRESS-1:0]            address;
        wire [MULTIPLIERS*WEIGHT-1:0] weights;

        hass_list_lane #(.DATA(DATA), .WORDS(WORDS), .SLOTS(SLOTS), .WIDTH(WIDTH), .KERNEL_W(KERNEL_W),
                         .KERNEL_H(KERNEL_H), .ADDRESS(ADDRESS)) lane (
            .clk, .rst, .enable, .push, .word, .last_word, .write_slot, .in(in_data[n*DATA +: DATA]),
            .scan, .new_window, .corner, .rows_in, .columns_in, .armed, .run, .finished(finished[n]),
            .value, .address);
        hass_lane_rom #(.BITS(MULTIPLIERS * WEIGHT), .DEPTH(DEPTH), .PREFIX(WEIGHTS), .NUMBER(n)) rom (
            .clk, .enable, .address, .word(weights));

        for (genvar c = 0; c < SUMS; c++) begin : g_chain
            wire [(CHAIN+1)*48-1:0] partial;  // sums between the DSPs, where no logic can go
            wire [CHAIN*48-1:0]     p;
            assign partial[47:0] = '0;
            for (genvar j = 0; j < CHAIN; j++) begin : g_multiplier
                // The last of a chain leaves first.
                hass_mac #(.A(DATA), .B(WEIGHT)) mac (
                    .clk, .rst, .enable, .a(value),
                    .b(weights[((CHAIN-1-j)*SUMS+c)*WEIGHT +: WEIGHT]),
                    .accumulate(!drains[3]), .cascade(drains[3]), .multiply(!drains[3]),
                    .pcin(partial[j*48 +: 48]), .pcout(partial[(j+1)*48 +: 48]), .p(p[j*48 +: 48]));
            end
            assign ends[(n*SUMS+c)*48 +: 48] = p[(CHAIN-1)*48 +: 48];
            wire unused = &{1'b0, p, partial};
        end
    end

    for (genvar c = 0; c < SUMS; c++) begin : g_sum
        logic [47:0] sum;  // over the lanes
        always_comb begin
            sum = '0;
            for (int n = 0; n < LANES; n++) sum = sum + ends[(n*SUMS+c)*48 +: 48];
        end
        always_ff @(posedge clk)
            if (enable) out_data[c*SUM +: SUM] <= sum[SUM-1:0];
    end
endmodule
