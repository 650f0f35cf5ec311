// hass_replay: WORDS words, and the same WORDS words again, TIMES in all, while the next ones come in.
//
//   cycles   WORDS TIMES for WORDS words, latency 1 behind the last of them
//   costs    a memory of 2 WORDS words, five counters
module hass_replay #(
    parameter int BITS = 16,
    parameter int WORDS = 4,
    parameter int TIMES = 2
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
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1;
    localparam int TIME = TIMES > 1 ? $clog2(TIMES) : 1;
    localparam int ADDRESS = $clog2(2 * WORDS);

    logic [BITS-1:0] words [0:2*WORDS-1];  // two halves: one is read, the other written
    logic [WORD-1:0] write_word, read_word;
    logic [TIME-1:0] read_time;
    logic            write_half, read_half;
    logic [1:0]      full;                 // halves

    wire write = in_valid && in_ready;
    wire read = full != 2'd0 && (!out_valid || out_ready);
    wire written = write && write_word == WORD'(WORDS - 1);
    wire once = read && read_word == WORD'(WORDS - 1);
    wire done = once && read_time == TIME'(TIMES - 1);
    assign in_ready = full != 2'd2;

    hass_counter #(.COUNT(WORDS)) writes (.clk, .rst, .step(write), .count(write_word));
    hass_counter #(.COUNT(WORDS)) reads (.clk, .rst, .step(read), .count(read_word));
    hass_counter #(.COUNT(TIMES)) times (.clk, .rst, .step(once), .count(read_time));

    wire [ADDRESS-1:0] write_at = ADDRESS'(write_word) + (write_half ? ADDRESS'(WORDS) : '0);
    wire [ADDRESS-1:0] read_at = ADDRESS'(read_word) + (read_half ? ADDRESS'(WORDS) : '0);

    always_ff @(posedge clk) begin
        if (rst) begin
            {write_half, read_half} <= '0;
            full      <= 2'd0;
            out_valid <= 1'b0;
        end else begin
            if (written) write_half <= !write_half;
            if (done) read_half <= !read_half;
            if (written && !done) full <= full + 2'd1;
            if (done && !written) full <= full - 2'd1;
            out_valid <= read || (out_valid && !out_ready);
        end
        if (write) words[write_at] <= in_data;
        if (read) out_data <= words[read_at];
    end
endmodule
