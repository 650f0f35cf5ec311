// hass_round: out = in / 2^SHIFT, rounded to the nearest integer, halves to the even one.
// Exact: OUT = IN + 1 - SHIFT bits hold every result (IN + 1 where SHIFT is 0).
//
//   cycles   none: combinational
//   costs    a carry chain of OUT bits, an OR over SHIFT - 1 bits
module hass_round #(
    parameter int IN = 32,
    parameter int SHIFT = 8,  // 0 .. IN - 1
    localparam int OUT = IN + 1 - SHIFT
) (
    input  logic signed [IN-1:0]  in,
    output logic signed [OUT-1:0] out
);
    localparam logic [IN-1:0] HALF = (IN'(1) << SHIFT) >> 1;  // 0 where nothing is shifted out

    wire signed [OUT-2:0] quotient = in[IN-1:SHIFT];
    wire beyond_half = |(in & (HALF - IN'(1)));
    wire up = |(in & HALF) && (beyond_half || quotient[0]);

    assign out = OUT'(quotient) + OUT'({1'b0, up});
endmodule
