/*
 * Two pipelines of one user: the first keeps a cart and prices it in sub-processes, the second finds it again.
 *
 *     cc pipeline.c $(pkg-config --cflags --libs sessile) -o pipeline
 *     ./pipeline                                     in memory
 *     ./pipeline sqlite:./sessions.db keyring.json   in a file that other processes share; makes the keyring
 */
#include <sessile.h>

#include <stdio.h>
#include <stdlib.h>

/* Every call of this program must succeed: else says why, and ends. */
static void must(int32_t status, sessile_error_t **err, const char *what)
{
    if (status == SESSILE_OK)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, sessile_error_name(*err), sessile_error_message(*err));
    sessile_error_free(*err);
    exit(EXIT_FAILURE);
}

/* Secrets never ride in the options' JSON: the keyring has a door of its own. */
static sessile_store_t *open_store(const char *url, const char *keyring)
{
    sessile_error_t *err = NULL;
    sessile_options_t *options;
    sessile_store_t *store;
    char json[4096];
    snprintf(json, sizeof json, "{\"url\":\"%s\",\"product\":\"shop\"}", url);
    must(sessile_options_new(sessile_str(json), &options, &err), &err, "options");
    if (keyring) {
        int32_t made = sessile_keyring_generate(sessile_str(keyring), &err);
        if (made == SESSILE_ALREADY_EXISTS)
            sessile_error_free(err);
        else
            must(made, &err, "make a keyring");
        err = NULL;
        must(sessile_options_set_keyring_file(options, sessile_str(keyring), &err), &err, "keyring");
    }
    must(sessile_store_open(options, &store, &err), &err, "open");
    sessile_options_free(options);
    return store;
}

/* One pipeline, started by a REST call that carried a token. */
static sessile_execution_t *start(sessile_store_t *store, sessile_str_t token)
{
    sessile_error_t *err = NULL;
    sessile_execution_t *run;
    sessile_str_t trigger = SESSILE_STR("{\"type\":\"rest\",\"security\":\"jwt\"}");
    must(sessile_execution_new(store, trigger, token, &run, &err), &err, "execution");
    return run;
}

/* A step: message in, message out. */
static sessile_buffer_t *step(sessile_execution_t *run, sessile_str_t step, sessile_str_t message, const char *what)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *out;
    must(sessile_execution_step(run, step, message, &out, &err), &err, what);
    return out;
}

/* One turn of a For Each: its own version of the Local session, discarded unless committed. */
static void price(sessile_execution_t *run, const char *cost)
{
    sessile_error_t *err = NULL;
    sessile_execution_t *turn;
    sessile_session_t *own;
    sessile_buffer_t *sum;
    must(sessile_execution_subprocess(run, SESSILE_STR("for-each"), &turn, &err), &err, "sub-process");
    must(sessile_execution_scoped(turn, &own, &err), &err, "scoped");
    must(sessile_session_increment(own, SESSILE_STR("total"), sessile_str(cost), &sum, &err), &err, "increment");
    must(sessile_execution_commit(turn, false, NULL, &err), &err, "commit");
    printf("priced at %s, total %s\n", cost, sum->ptr);
    sessile_buffer_free(sum);
    sessile_session_free(own);
    must(sessile_execution_end(turn, &err), &err, "end of a turn");
    sessile_execution_free(turn);
}

/* Keeps the message's cart in the user's Global session, and its total beside it. */
static void checkout(sessile_store_t *store, sessile_str_t token)
{
    sessile_execution_t *run = start(store, token);
    sessile_str_t message = SESSILE_STR("{\"cart\":[\"tea\",\"honey\"],\"order\":7.0}");
    sessile_str_t keep = SESSILE_STR("{\"operation\":\"PUT\",\"sessionType\":\"GLOBAL\",\"fields\":[\"cart\"]}");
    sessile_buffer_t *kept = step(run, keep, message, "keep the cart");
    printf("kept the cart of %s\n", kept->ptr);
    sessile_buffer_free(kept);

    price(run, "4");
    price(run, "7");
    sessile_str_t load = SESSILE_STR("{\"operation\":\"GET\",\"fields\":[\"total\"]}");
    sessile_buffer_t *total = step(run, load, SESSILE_NONE, "load the total");
    sessile_str_t save = SESSILE_STR("{\"operation\":\"PUT\",\"sessionType\":\"GLOBAL\",\"fields\":[\"total\"]}");
    sessile_str_t found = {total->ptr, total->len};
    sessile_buffer_free(step(run, save, found, "save the total"));
    sessile_buffer_free(total);
    sessile_execution_end(run, NULL);
    sessile_execution_free(run);
}

/* Another execution, perhaps in another process or language: the user's fields come into its own message. */
static void receipt(sessile_store_t *store, sessile_str_t token)
{
    sessile_execution_t *run = start(store, token);
    sessile_str_t load = SESSILE_STR("{\"sessionType\":\"GLOBAL\",\"fields\":\"cart, total\"}");
    sessile_buffer_t *message = step(run, load, SESSILE_STR("{\"receipt\": 1.0}"), "load the cart");
    printf("receipt %s\n", message->ptr);
    sessile_buffer_free(message);
    sessile_execution_end(run, NULL);
    sessile_execution_free(run);
}

int main(int argc, char **argv)
{
    sessile_error_t *err = NULL;
    sessile_buffer_t *token;
    sessile_store_t *store = open_store(argc > 1 ? argv[1] : "memory:", argc > 2 ? argv[2] : NULL);
    /* A login pipeline has seen who the user is, and proves it to all others with a token. */
    must(sessile_tokens_issue(store, SESSILE_STR("{\"sub\":\"ada@example.com\"}"), 3600, &token, &err), &err, "token");
    sessile_str_t bearer = {token->ptr, token->len};
    checkout(store, bearer);
    receipt(store, bearer);
    sessile_buffer_free(token);
    must(sessile_store_close(store, &err), &err, "close");
    sessile_store_free(store);
    return EXIT_SUCCESS;
}
