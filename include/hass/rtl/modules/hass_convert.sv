// hass_convert: words of IN values become words of OUT values, through words of WIDE, a multiple of
// both (their least common one is the cheapest).
//
//   cycles   max(WIDE / IN, WIDE / OUT) for WIDE values
//   costs    a hass_widen and a hass_narrow of WIDE values; the half that would do nothing is left out
module hass_convert #(
    parameter int BITS = 16,
    parameter int IN = 2,
    parameter int OUT = 3,
    parameter int WIDE = 6
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                in_valid,
    output logic                in_ready,
    input  logic [IN*BITS-1:0]  in_data,
    output logic                out_valid,
    input  logic                out_ready,
    output logic [OUT*BITS-1:0] out_data
);
    logic                 wide_valid, wide_ready;
    logic [WIDE*BITS-1:0] wide;

    generate
        if (IN == WIDE) begin : g_is_wide
            assign {wide_valid, in_ready, wide} = {in_valid, wide_ready, in_data};
        end else begin : g_widen
            hass_widen #(.IN(IN * BITS), .WORDS(WIDE / IN)) widen (
                .clk, .rst, .in_valid, .in_ready, .in_data,
                .out_valid(wide_valid), .out_ready(wide_ready), .out_data(wide));
        end
        if (OUT == WIDE) begin : g_stays_wide
            assign {out_valid, wide_ready, out_data} = {wide_valid, out_ready, wide};
            wire unused = &{1'b0, clk, rst};
        end else begin : g_narrow
            hass_narrow #(.OUT(OUT * BITS), .WORDS(WIDE / OUT)) narrow (
                .clk, .rst, .in_valid(wide_valid), .in_ready(wide_ready), .in_data(wide),
                .out_valid, .out_ready, .out_data);
        end
    endgenerate
endmodule
