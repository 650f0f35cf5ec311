// hass_list_lane: one lane of hass_lists: its share of the channels of every pixel. It keeps of each pixel a
// list of (channel, value) without the zeros, and walks the lists of the taps of a window.
//
// Two machines: the scanner finds the next tap whose list is not empty, a tap a cycle; the walker goes
// down that list, an entry a cycle.
//
//   cycles   filling: one word a cycle. Walking: the entries of all taps, at least the taps + 2
//   costs    a memory of SLOTS lists of WORDS entries, a LUTRAM of SLOTS counts, two counters, two pointers
module hass_list_lane #(
    parameter int DATA = 16,
    parameter int WORDS = 4,  // of a pixel
    parameter int SLOTS = 16, // pixels in the ring
    parameter int WIDTH = 8,  // of the image, <= SLOTS
    parameter int KERNEL_W = 3,
    parameter int KERNEL_H = 3,
    parameter int ADDRESS = 12,
    localparam int WORD = WORDS > 1 ? $clog2(WORDS) : 1,
    localparam int SLOT = $clog2(SLOTS)
) (
    input  logic                clk,
    input  logic                rst,
    input  logic                enable,
    // a word of a pixel, not held up by `enable`
    input  logic                push,
    input  logic [WORD-1:0]     word,
    input  logic                last_word,
    input  logic [SLOT-1:0]     write_slot,
    input  logic [DATA-1:0]     in,
    // a walk over the taps of a window
    input  logic                scan,        // start it
    input  logic                new_window,  // of the first block of filters
    input  logic [SLOT-1:0]     corner,      // slot of the upper left tap
    input  logic [KERNEL_H-1:0] rows_in,     // rows and columns of the window within the image
    input  logic [KERNEL_W-1:0] columns_in,
    input  logic                armed,       // the walker may take what the scanner has found
    input  logic                run,         // entries may go
    output logic                finished,    // with the entry of this cycle, if there is one
    // an entry: two cycles later its value, its weights' address
    output logic [DATA-1:0]     value,
    output logic [ADDRESS-1:0]  address
);
    localparam int ROW = KERNEL_H > 1 ? $clog2(KERNEL_H) : 1;
    localparam int COLUMN = KERNEL_W > 1 ? $clog2(KERNEL_W) : 1;

    localparam logic [SLOT:0] RING = (SLOT+1)'(SLOTS);

    function automatic logic [SLOT-1:0] moved(input logic [SLOT-1:0] from, input logic [SLOT:0] by);
        logic [SLOT:0] to;
        to = {1'b0, from} + by;
        moved = SLOT'(to >= RING ? to - RING : to);
    endfunction

    // ---- lists: entries, and how many of them less one (all ones: none)
    logic [WORD+DATA-1:0] entries [0:SLOTS*2**WORD-1];
    (* ram_style = "distributed" *)
    logic [WORD:0]        counts [0:SLOTS-1];
    logic [WORD:0]        count;
    wire                  keep = |in;
    wire [WORD:0]         new_count = count + (WORD+1)'(keep);

    always_ff @(posedge clk) begin
        if (rst) count <= '1;
        else if (push) count <= last_word ? '1 : new_count;
        if (push && keep) entries[{write_slot, new_count[WORD-1:0]}] <= {word, in};
        if (push && last_word) counts[write_slot] <= new_count;
    end

    // ---- scanner
    logic [ROW-1:0]     row;
    logic [COLUMN-1:0]  column;
    logic               scanned;             // all taps
    logic [SLOT-1:0]    tap_slot, row_slot;  // of the tap, of its row's first tap
    logic [ADDRESS-1:0] tap_base;            // of its weights
    logic               found;
    logic [SLOT-1:0]    found_slot;
    logic [WORD-1:0]    found_entry;
    logic [ADDRESS-1:0] found_base;
    logic               take;

    wire last_column = column == COLUMN'(KERNEL_W - 1);
    wire last_row = row == ROW'(KERNEL_H - 1);
    wire [WORD:0] tap_count = counts[tap_slot];
    wire go_on = !found || take;

    always_ff @(posedge clk) begin
        if (rst) begin
            scanned <= 1'b1;
            found   <= 1'b0;
        end else if (enable) begin
            if (scan) begin
                scanned <= 1'b0;
                found   <= 1'b0;
            end else if (go_on) begin
                found   <= !scanned && rows_in[row] && columns_in[column] && !tap_count[WORD];
                scanned <= scanned || (last_row && last_column);
            end
        end
        if (enable) begin
            if (scan) begin
                row      <= '0;
                column   <= '0;
                tap_slot <= corner;
                row_slot <= corner;
                if (new_window) tap_base <= '0;
            end else if (go_on && !scanned) begin
                column   <= last_column ? '0 : column + 1'b1;
                tap_slot <= last_column ? moved(row_slot, (SLOT+1)'(WIDTH)) : moved(tap_slot, (SLOT+1)'(1));
                tap_base <= tap_base + ADDRESS'(WORDS);
                if (last_column) begin
                    row      <= row + 1'b1;
                    row_slot <= moved(row_slot, (SLOT+1)'(WIDTH));
                end
            end
            if (go_on) begin
                found_slot  <= tap_slot;
                found_entry <= tap_count[WORD-1:0];
                found_base  <= tap_base;
            end
        end
    end

    // ---- walker: down a list, from its last entry to the first
    logic               walking;
    logic [SLOT-1:0]    slot;
    logic [WORD-1:0]    entry;
    logic [ADDRESS-1:0] base;
    wire                list_ends = entry == '0;

    assign take = found && (!walking ? run || armed : run && list_ends);
    assign finished = scanned && !found && (!walking || list_ends);

    always_ff @(posedge clk) begin
        if (rst) walking <= 1'b0;
        else if (enable) walking <= take || (walking && !(run && list_ends));
        if (enable) begin
            if (take) begin
                slot  <= found_slot;
                entry <= found_entry;
                base  <= found_base;
            end else if (run && walking && !list_ends) entry <= entry - 1'b1;
        end
    end

    // ---- the entry
    logic                 entry_valid;
    logic [ADDRESS-1:0]   entry_base;
    logic [WORD+DATA-1:0] entry_read;

    always_ff @(posedge clk) begin
        if (rst) entry_valid <= 1'b0;
        else if (enable) entry_valid <= run && walking;
        if (enable) begin
            entry_read <= entries[{slot, entry}];
            entry_base <= base;
        end
    end
    assign value   = entry_valid ? entry_read[DATA-1:0] : '0;
    assign address = entry_base + ADDRESS'(entry_read[DATA +: WORD]);
endmodule
