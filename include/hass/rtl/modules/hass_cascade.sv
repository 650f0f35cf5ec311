// hass_cascade: LANES products a cycle for each of FILTERS filters, added up down a cascade of DSPs
// whose last one accumulates: no adder and no accumulator outside of the DSPs. Since sums have no order,
// lanes may be at different places of a dot product, as long as all have finished when `last` comes.
//
// Lane n is n cycles behind lane 0: its value comes with `a`, its weights a cycle later. `last`
// comes beside the value of lane 0 of the last products of a dot product.
//
//   cycles   one product a lane and cycle; latency LANES + 3 behind `last`, enabled cycles
//   costs    LANES FILTERS DSPs
//   needs    rst for LANES + 8 cycles
module hass_cascade #(
    parameter int DATA = 16,
    parameter int WEIGHT = 16,
    parameter int LANES = 3,
    parameter int FILTERS = 1,
    parameter int SUM = 48  // <= 48
) (
    input  logic                            clk,
    input  logic                            rst,
    output logic                            enable,
    input  logic                            last,
    input  logic [LANES*DATA-1:0]           a,
    input  logic [LANES*FILTERS*WEIGHT-1:0] weights,
    output logic                            out_valid,
    input  logic                            out_ready,
    output logic [FILTERS*SUM-1:0]          out_data
);
    logic [LANES:0] last_comes;  // down to A2 of the last lane's DSPs
    logic           last_at_m;

    wire last_at_a2 = last_comes[LANES];
    wire first = last_at_m;  // what follows the last product starts anew
    assign enable = !out_valid || out_ready;

    always_ff @(posedge clk)
        if (rst) {out_valid, last_at_m, last_comes} <= '0;
        else if (enable)
            {out_valid, last_at_m, last_comes} <= {last_at_m, last_at_a2, last_comes[LANES-1:0], last};

    for (genvar f = 0; f < FILTERS; f++) begin : g_filter
        wire [(LANES+1)*48-1:0] partial;  // sums between the DSPs, where no logic can go
        wire [LANES*48-1:0]     p;
        assign partial[47:0] = '0;
        for (genvar n = 0; n < LANES; n++) begin : g_lane
            hass_mac #(.A(DATA), .B(WEIGHT)) mac (
                .clk, .rst, .enable, .a(a[n*DATA +: DATA]),
                .b(weights[(n*FILTERS+f)*WEIGHT +: WEIGHT]),
                .accumulate(n == LANES - 1 && !first), .cascade(n > 0), .multiply(1'b1),
                .pcin(partial[n*48 +: 48]), .pcout(partial[(n+1)*48 +: 48]), .p(p[n*48 +: 48]));
        end
        assign out_data[f*SUM +: SUM] = p[(LANES-1)*48 +: SUM];
        wire unused = &{1'b0, p, partial};
    end
endmodule
