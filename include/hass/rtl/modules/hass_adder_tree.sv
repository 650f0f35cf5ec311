// hass_adder_tree: the sum of COUNT values of IN bits, exact in OUT = IN + $clog2(COUNT) bits or more.
//
//   cycles   one sum a cycle, latency $clog2(COUNT) enabled cycles
//   costs    COUNT - 1 adders and registers
module hass_adder_tree #(
    parameter int IN = 16,
    parameter int COUNT = 9,
    parameter int OUT = IN + $clog2(COUNT)
) (
    input  logic                  clk,
    input  logic                  enable,
    input  logic [COUNT*IN-1:0]   in,
    output logic signed [OUT-1:0] sum
);
    localparam int LEAVES = 2 ** $clog2(COUNT);

    // Node n adds nodes 2 n + 1 and 2 n + 2; the root is node 0, the leaves are LEAVES - 1 and above.
    wire [(2*LEAVES-1)*OUT-1:0] nodes;

    for (genvar n = 0; n < 2 * LEAVES - 1; n++) begin : g_node
        if (n >= LEAVES - 1 + COUNT) begin : g_nothing
            assign nodes[n*OUT +: OUT] = '0;
        end else if (n >= LEAVES - 1) begin : g_leaf
            wire signed [IN-1:0] value = in[(n-LEAVES+1)*IN +: IN];
            assign nodes[n*OUT +: OUT] = OUT'(value);
        end else begin : g_sum
            logic [OUT-1:0] partial;
            always_ff @(posedge clk)
                if (enable) partial <= nodes[(2*n+1)*OUT +: OUT] + nodes[(2*n+2)*OUT +: OUT];
            assign nodes[n*OUT +: OUT] = partial;
        end
    end

    assign sum = nodes[OUT-1:0];
    generate
        if (COUNT == 1) begin : g_wire
            wire unused = &{1'b0, clk, enable};
        end
    endgenerate
endmodule
