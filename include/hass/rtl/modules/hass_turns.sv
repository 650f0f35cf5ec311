// hass_turns: WAYS streams take turns, WORDS words each, as another stream says.
//
//   cycles   one word a cycle, latency 0
//   costs    a counter, a multiplexer of BITS; in_ready depends on out_ready
module hass_turns #(
    parameter int BITS = 16,
    parameter int WAYS = 2,
    parameter int WORDS = 4,
    localparam int WAY = WAYS > 1 ? $clog2(WAYS) : 1
) (
    input  logic                 clk,
    input  logic                 rst,
    // whose turn it is
    input  logic                 turn_valid,
    input  logic [WAY-1:0]       turn,
    output logic                 turn_ends,
    input  logic [WAYS-1:0]      in_valid,
    output logic [WAYS-1:0]      in_ready,
    input  logic [WAYS*BITS-1:0] in_data,
    output logic                 out_valid,
    input  logic                 out_ready,
    output logic [BITS-1:0]      out_data
);
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;

    logic [WORD-1:0] word;
    wire             moves = out_valid && out_ready;

    hass_counter #(.COUNT(WORDS)) words (.clk, .rst, .step(moves), .count(word));

    // Words at powers of two: a multiplexer, where other places may become a multiplication and a shift.
    localparam int PLACE = 2 ** $clog2(BITS);
    wire [WAYS*PLACE-1:0] placed;
    for (genvar w = 0; w < WAYS; w++) begin : g_way
        assign placed[w*PLACE +: PLACE] = PLACE'(in_data[w*BITS +: BITS]);
    end

    assign turn_ends = moves && word == WORD'(WORDS - 1);
    assign out_valid = turn_valid && in_valid[turn];
    assign out_data  = placed[32'(turn)*PLACE +: BITS];
    assign in_ready  = WAYS'(out_ready && turn_valid) << turn;
endmodule
