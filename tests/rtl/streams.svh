// The ports that bench.hpp drives: SLOTS streams in and as many out.
`define HASS_BENCH_PORTS \
    input  logic          clk, \
    input  logic          rst, \
    input  logic [63:0]   in_valid, \
    output logic [63:0]   in_ready, \
    input  logic [1023:0] in_data [0:63], \
    output logic [63:0]   out_valid, \
    input  logic [63:0]   out_ready, \
    output logic [1023:0] out_data [0:63]

// The streams of a device on slot S, IN bits wide and OUT bits wide.
`define HASS_OUT(S, OUT) \
    .out_valid(out_valid[S]), .out_ready(out_ready[S]), .out_data(out_data[S][0 +: OUT])
`define HASS_IN(S, IN) \
    .clk, .rst, .in_valid(in_valid[S]), .in_ready(in_ready[S]), .in_data(in_data[S][0 +: IN])
`define HASS_STREAM(S, IN, OUT) `HASS_IN(S, IN), `HASS_OUT(S, OUT)

// Two streams in: of slot S and of slot S + 1; the one out is on slot S.
`define HASS_JOIN(S, A, B, OUT) \
    .clk, .rst, .a_valid(in_valid[S]), .a_ready(in_ready[S]), .a_data(in_data[S][0 +: A]), \
    .b_valid(in_valid[S+1]), .b_ready(in_ready[S+1]), .b_data(in_data[S+1][0 +: B]), \
    `HASS_OUT(S, OUT)
