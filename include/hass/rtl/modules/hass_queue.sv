// hass_queue: a first-in first-out buffer in a shift register; `head` is its oldest word.
//
//   cycles   one word a cycle; a word pushed is at the head a cycle later
//   costs    BITS addressable shift-register LUTs, $clog2(DEPTH) + 1 flip-flops
module hass_queue #(
    parameter int BITS = 4,
    parameter int DEPTH = 8  // 2 .. 16
) (
    input  logic            clk,
    input  logic            rst,
    input  logic            push,  // not while full
    input  logic [BITS-1:0] in,
    input  logic            pop,   // not while empty
    output logic [BITS-1:0] head,
    output logic            empty,
    output logic            full
);
    localparam int AT = $clog2(DEPTH);

    logic [AT:0] newest;  // where the head is: words - 1, all ones where there is none

    assign empty = newest[AT];
    assign full  = newest == (AT+1)'(DEPTH - 1);
    always_ff @(posedge clk)
        if (rst) newest <= '1;
        else if (push && !pop) newest <= newest + 1'b1;
        else if (pop && !push) newest <= newest - 1'b1;

    for (genvar b = 0; b < BITS; b++) begin : g_bit
        logic [2**AT-1:0] older;
        always_ff @(posedge clk)
            if (push) older <= {older[2**AT-2:0], in[b]};
        assign head[b] = older[newest[AT-1:0]];
    end
endmodule
