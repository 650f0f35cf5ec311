// hass_skid: a register for both directions of a stream. out_valid, out_data and in_ready are
// flip-flops, so no path leads from out_ready to in_ready or from in_valid to out_valid.
//
//   cycles   one word a cycle, latency 1
//   costs    2 BITS + 2 flip-flops, BITS LUTs
module hass_skid #(
    parameter int BITS = 16
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            in_valid,
    output logic            in_ready,
    input  logic [BITS-1:0] in_data,
    output logic            out_valid,
    input  logic            out_ready,
    output logic [BITS-1:0] out_data
);
    logic            spare_valid;  // a word that came while the output was blocked
    logic [BITS-1:0] spare;

    assign in_ready = !spare_valid;

    always_ff @(posedge clk) begin
        if (rst) begin
            out_valid   <= 1'b0;
            spare_valid <= 1'b0;
        end else if (!out_valid || out_ready) begin
            out_valid   <= in_valid || spare_valid;
            spare_valid <= 1'b0;
        end else if (in_valid && in_ready) begin
            spare_valid <= 1'b1;
        end
        if (!out_valid || out_ready) out_data <= spare_valid ? spare : in_data;
        if (in_ready) spare <= in_data;
    end
endmodule
