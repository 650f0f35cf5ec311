// hass_fifo: a first-in first-out buffer of DEPTH words, and of one more in its output register.
// in_ready and out_valid are flip-flops.
//
//   cycles   one word a cycle, latency 2
//   costs    a simple dual-port memory of DEPTH words (read a cycle ahead, so that block RAM serves),
//            two pointers and a fill level of $clog2(DEPTH) + 1 bits
module hass_fifo #(
    parameter int BITS = 16,
    parameter int DEPTH = 16  // >= 2
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
    localparam int ADDRESS = $clog2(DEPTH);
    localparam int LEVEL = $clog2(DEPTH + 1);

    logic [BITS-1:0]    words [0:DEPTH-1];
    logic [ADDRESS-1:0] write_at, read_at;
    logic [LEVEL-1:0]   level;  // words in memory

    wire write = in_valid && in_ready;
    wire read  = level != '0 && (!out_valid || out_ready);

    hass_counter #(.COUNT(DEPTH)) writes (.clk, .rst, .step(write), .count(write_at));
    hass_counter #(.COUNT(DEPTH)) reads  (.clk, .rst, .step(read),  .count(read_at));

    always_ff @(posedge clk) begin
        if (rst) begin
            level     <= '0;
            in_ready  <= 1'b0;
            out_valid <= 1'b0;
        end else begin
            if (write && !read) level <= level + 1'b1;
            if (read && !write) level <= level - 1'b1;
            in_ready  <= level + LEVEL'(write) < LEVEL'(DEPTH) || read;
            out_valid <= read || (out_valid && !out_ready);
        end
        if (write) words[write_at] <= in_data;
        if (read)  out_data <= words[read_at];
    end
endmodule
