// hass_counter: 0, 1, .. COUNT - 1 and again, one up with every `step`.
//
//   cycles   one step a cycle
//   costs    $clog2(COUNT) flip-flops, and none where COUNT is 1
module hass_counter #(
    parameter int COUNT = 4,
    localparam int BITS = COUNT > 1 ? $clog2(COUNT) : 1
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            step,
    output logic [BITS-1:0] count
);
    generate
        if (COUNT > 1) begin : g_count
            always_ff @(posedge clk)
                if (rst) count <= '0;
                else if (step) count <= count == BITS'(COUNT - 1) ? '0 : count + 1'b1;
        end else begin : g_one
            assign count = '0;
            wire unused = &{1'b0, clk, rst, step};
        end
    endgenerate
endmodule
