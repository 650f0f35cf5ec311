// hass_delay: `in` as it was DEPTH enabled cycles ago. Not reset: what leaves first is arbitrary.
//
//   cycles   one word a cycle, latency DEPTH
//   costs    BITS ceil(DEPTH / 32) shift-register LUTs up to DEPTH = 64, then a memory of DEPTH - 1
//            words and its counter
module hass_delay #(
    parameter int BITS = 16,
    parameter int DEPTH = 1
) (
    input  logic            clk,
    input  logic            rst,  // of the counter alone
    input  logic            enable,
    input  logic [BITS-1:0] in,
    output logic [BITS-1:0] out
);
    generate
        if (DEPTH == 0) begin : g_wire
            assign out = in;
            wire unused = &{1'b0, clk, rst, enable};
        end else if (DEPTH == 1) begin : g_register
            always_ff @(posedge clk)
                if (enable) out <= in;
            wire unused = &{1'b0, rst};
        end else if (DEPTH <= 64) begin : g_shift
            logic [(DEPTH-1)*BITS-1:0] older;
            always_ff @(posedge clk)
                if (enable) {out, older} <= {older, in};
            wire unused = &{1'b0, rst};
        end else begin : g_memory
            localparam int ADDRESS = $clog2(DEPTH - 1);
            logic [BITS-1:0]    words [0:DEPTH-2];
            logic [ADDRESS-1:0] at;
            hass_counter #(.COUNT(DEPTH - 1)) counter (.clk, .rst, .step(enable), .count(at));
            always_ff @(posedge clk)
                if (enable) begin
                    out       <= words[at];  // before it is overwritten
                    words[at] <= in;
                end
        end
    endgenerate
endmodule
