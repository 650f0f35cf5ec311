// hass_saturate: the value of LOW .. HIGH that is nearest to `in`.
//
//   cycles   none: combinational
//   costs    two comparisons of IN bits, a multiplexer of OUT bits
module hass_saturate #(
    parameter int IN = 16,
    parameter int OUT = 8,  // <= IN
    parameter int LOW = -(2 ** (OUT - 1)),
    parameter int HIGH = 2 ** (OUT - 1) - 1
) (
    input  logic signed [IN-1:0]  in,
    output logic signed [OUT-1:0] out
);
    assign out = in < IN'(LOW)  ? OUT'(LOW)
               : in > IN'(HIGH) ? OUT'(HIGH)
               : OUT'(in);
endmodule
