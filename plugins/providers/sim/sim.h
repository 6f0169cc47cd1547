/*
 * sim.h - between the files of the simulator.
 */
#ifndef WEIR_PLUGINS_SIM_H
#define WEIR_PLUGINS_SIM_H

#include <weir/provider.h>
#include <weir/sdk/str.h>
#include <weir/sdk/write.h>

/* The options, see plugin.c. */
struct sim_config {
    char *reply;
    uint64_t seed;
    int64_t latency_us;
    int64_t first_token_us;
    int64_t status;
    int64_t fail_every;
    int64_t tokens;
    double tokens_per_second;
    uint16_t fail;
    bool mark;
};

/* What goes wrong in the middle of an answer. */
enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_CUT,     /* the connection breaks between two chunks */
    SIM_FAULT_HALF,    /* it breaks inside a chunk */
    SIM_FAULT_STALL,   /* nothing comes any more */
    SIM_FAULT_GARBAGE, /* an event that is not JSON */
    SIM_FAULT_ERROR,   /* an error object inside the answer */
};

/* How one request is answered: the options, changed by the words in the model's name. */
struct sim_plan {
    weir_str wrong; /* a word that could not be understood; empty: none */
    uint16_t fail;  /* WEIR_CLASS_*; 0: none */
    unsigned status;
    int64_t retry_after_us; /* -1: none */
    int64_t head_us;
    int64_t first_us;
    int64_t each_us; /* between two tokens */
    int64_t count;   /* tokens to say; -1: as it comes */
    int64_t reasoning;
    enum sim_fault fault;
    int64_t fault_at; /* after so many tokens */
    bool echo, tools, json;
    bool no_finish, no_done, no_usage;
    bool refused, silent;
};

/* Reads the options and the model's name. */
struct sim_plan sim_plan_read(const struct sim_config *cfg, const weir_exchange *x);

/* A number that depends on nothing but the seed and the request. */
uint64_t sim_hash(const struct sim_config *cfg, const weir_exchange *x);

/* What is answered. Everything lies in the exchange's arena. */
struct sim_answer {
    weir_str *token; /* of the text, or of a call's arguments */
    uint32_t count;
    uint32_t reasoning; /* how many tokens of reasoning come before; made of filler */
    weir_str tool;      /* name of the tool that is called; empty: text */
    bool cut_short;     /* by the request's token limit */
    uint64_t hash;
    int64_t prompt_tokens;
};

weir_result sim_compose(const struct sim_config *cfg, const weir_exchange *x,
                        const struct sim_plan *plan, struct sim_answer *answer);

/* Filler word number n for that hash, with a blank before it. */
weir_str sim_filler(uint64_t hash, uint64_t n);

/* Writes a value that the JSON schema at `schema` allows. */
void sim_write_example(weir_writer *w, const weir_json *doc, uint32_t schema, int depth);

/* Answers, written as scripts. */
weir_result sim_send_failure(const struct sim_plan *plan, const weir_exchange *x,
                             const weir_http_sink *out);
weir_result sim_send_stream(const struct sim_plan *plan, const struct sim_answer *answer,
                            const weir_exchange *x, const weir_http_sink *out);
weir_result sim_send_whole(const struct sim_plan *plan, const struct sim_answer *answer,
                           const weir_exchange *x, const weir_http_sink *out);
weir_result sim_send_embeddings(const struct sim_config *cfg, const struct sim_plan *plan,
                                const weir_exchange *x, const weir_http_sink *out);
/* A JSON document as a whole, faults of the plan included. */
weir_result sim_send_json(const struct sim_plan *plan, int64_t after_us, weir_str json,
                          const weir_exchange *x, const weir_http_sink *out);

#endif
