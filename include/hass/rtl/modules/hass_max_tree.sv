// hass_max_tree: the largest of COUNT values.
//
//   cycles   one maximum a cycle, latency $clog2(COUNT) enabled cycles
//   costs    COUNT - 1 comparators, multiplexers and registers
module hass_max_tree #(
    parameter int BITS = 16,
    parameter int COUNT = 9
) (
    input  logic                   clk,
    input  logic                   enable,
    input  logic [COUNT*BITS-1:0]  in,
    output logic signed [BITS-1:0] largest
);
    localparam int LEAVES = 2 ** $clog2(COUNT);

    // Node n is the larger of nodes 2 n + 1 and 2 n + 2; the root is node 0, the leaves are LEAVES - 1
    // and above. Those without a value repeat the last one.
    wire [(2*LEAVES-1)*BITS-1:0] nodes;

    for (genvar n = 0; n < 2 * LEAVES - 1; n++) begin : g_node
        if (n >= LEAVES - 1) begin : g_leaf
            assign nodes[n*BITS +: BITS] = in[(n-LEAVES+1 < COUNT ? n-LEAVES+1 : COUNT-1)*BITS +: BITS];
        end else begin : g_larger
            wire signed [BITS-1:0] a = nodes[(2*n+1)*BITS +: BITS];
            wire signed [BITS-1:0] b = nodes[(2*n+2)*BITS +: BITS];
            logic [BITS-1:0] larger;
            always_ff @(posedge clk)
                if (enable) larger <= a > b ? a : b;
            assign nodes[n*BITS +: BITS] = larger;
        end
    end

    assign largest = nodes[BITS-1:0];
    generate
        if (COUNT == 1) begin : g_wire
            wire unused = &{1'b0, clk, enable};
        end
    endgenerate
endmodule
