// hass_mac: P <= (accumulate ? P : 0) + (cascade ? PCIN : 0) + (multiply ? a * b : 0), one DSP slice.
// For one product, `a` comes at cycle t, `b` (from a memory) at t + 1, the three controls at t + 2; P
// holds the sum at t + 4. All of it waits while `enable` is low.
//
//   cycles   one product a cycle
//   costs    one DSP48E2 (instantiated where HASS_DSP48E2 is defined, since not every tool packs the
//            registers). A DSP48E1 cannot add P, PCIN and a product: there `accumulate` and `cascade`
//            together take 48 LUTs more.
module hass_mac #(
    parameter int A = 16,  // <= 27
    parameter int B = 16   // <= 18
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                enable,
    input  logic signed [A-1:0] a,
    input  logic signed [B-1:0] b,
    input  logic                accumulate,
    input  logic                cascade,
    input  logic                multiply,
    input  logic [47:0]         pcin,
    output logic [47:0]         pcout,
    output logic [47:0]         p
);
`ifdef HASS_DSP48E2
    DSP48E2 #(
        .AREG(2), .ACASCREG(2), .BREG(1), .BCASCREG(1), .MREG(1), .PREG(1), .OPMODEREG(1), .CREG(0),
        .DREG(0), .ADREG(0), .ALUMODEREG(0), .INMODEREG(0), .CARRYINREG(0), .CARRYINSELREG(0)
    ) dsp (
        .CLK(clk), .A(30'(a)), .B(18'(b)), .C(48'b0), .D(27'b0), .ACIN(30'b0), .BCIN(18'b0),
        .PCIN(pcin), .PCOUT(pcout), .P(p), .CARRYIN(1'b0), .CARRYCASCIN(1'b0), .MULTSIGNIN(1'b0),
        .OPMODE({1'b0, accumulate, 2'b00, cascade, 1'b0, multiply, 1'b0, multiply}), .ALUMODE(4'b0),
        .INMODE(5'b0), .CARRYINSEL(3'b0),
        .CEA1(enable), .CEA2(enable), .CEB1(1'b0), .CEB2(enable), .CEM(enable), .CEP(enable),
        .CECTRL(enable), .CEC(1'b0), .CED(1'b0), .CEAD(1'b0), .CEALUMODE(1'b0), .CEINMODE(1'b0),
        .CECARRYIN(1'b0),
        .RSTA(rst), .RSTB(rst), .RSTM(rst), .RSTP(rst), .RSTCTRL(rst), .RSTC(1'b0), .RSTD(1'b0),
        .RSTALUMODE(1'b0), .RSTINMODE(1'b0), .RSTALLCARRYIN(1'b0));
`else
    logic signed [A-1:0]   a_1, a_2;
    logic signed [B-1:0]   b_2;
    logic signed [A+B-1:0] product;
    logic                  accumulates, cascades, multiplies;

    always_ff @(posedge clk)
        if (rst) begin
            a_1     <= '0;
            a_2     <= '0;
            b_2     <= '0;
            product <= '0;
            p       <= '0;
            {accumulates, cascades, multiplies} <= '0;
        end else if (enable) begin
            a_1     <= a;
            a_2     <= a_1;
            b_2     <= b;
            product <= (A+B)'(a_2) * (A+B)'(b_2);
            {accumulates, cascades, multiplies} <= {accumulate, cascade, multiply};
            p       <= (accumulates ? p : '0) + (cascades ? pcin : '0)
                     + (multiplies ? 48'(product) : '0);
        end
    assign pcout = p;
`endif
endmodule
