// hass_global_sum: the sum over all pixels of an image, each channel its own: a global average pool,
// once hass_requantise has divided. The sums leave with the words of the last pixel.
//
//   cycles   one word a cycle: PIXELS WORDS an image; latency 1
//   costs    LANES adders, a memory of WORDS words of LANES sums
module hass_global_sum #(
    parameter int BITS = 16,
    parameter int LANES = 1,
    parameter int WORDS = 1,    // of a pixel
    parameter int PIXELS = 64,  // of an image
    localparam int SUM = BITS + $clog2(PIXELS)
) (
    input  logic                  clk,
    input  logic                  rst,
    input  logic                  in_valid,
    output logic                  in_ready,
    input  logic [LANES*BITS-1:0] in_data,
    output logic                  out_valid,
    input  logic                  out_ready,
    output logic [LANES*SUM-1:0]  out_data
);
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int PIXEL = PIXELS > 1 ? $clog2(PIXELS) : 1;

    logic [LANES*SUM-1:0] sums [0:WORDS-1];
    logic [LANES*SUM-1:0] total;
    logic [WORD-1:0]      word;
    logic [PIXEL-1:0]     pixel;

    wire take = in_valid && in_ready;
    wire first = pixel == '0;
    wire last = pixel == PIXEL'(PIXELS - 1);
    wire [LANES*SUM-1:0] so_far = sums[word];

    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(take), .count(word));
    hass_counter #(.COUNT(PIXELS)) pixels (
        .clk, .rst, .step(take && word == WORD'(WORDS - 1)), .count(pixel));

    for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
        wire signed [BITS-1:0] value = in_data[lane*BITS +: BITS];
        assign total[lane*SUM +: SUM] = (first ? '0 : so_far[lane*SUM +: SUM]) + SUM'(value);
    end

    assign in_ready = !out_valid || out_ready;
    always_ff @(posedge clk) begin
        if (rst) out_valid <= 1'b0;
        else if (in_ready) out_valid <= in_valid && last;
        if (in_ready) out_data <= total;
        if (take) sums[word] <= total;
    end
endmodule
