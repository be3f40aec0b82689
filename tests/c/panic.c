/* Against a library built with the feature test-panic: a panic inside becomes SESSILE_PANIC, and life goes on. */
#include "sessile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    printf("FAILED %s\nc panic: 0 passed, 1 failed\n", what);
    exit(EXIT_FAILURE);
}

int main(void)
{
    sessile_options_t *options = NULL;
    sessile_store_t *store = NULL;
    sessile_execution_t *run = NULL;
    sessile_buffer_t *out = NULL;
    sessile_error_t *err = NULL;
    sessile_str_t message = SESSILE_STR("{\"a\":1}");
    must(sessile_options_new(SESSILE_STR("{\"url\":\"memory:\"}"), &options, NULL) == SESSILE_OK, "options");
    must(sessile_store_open(options, &store, NULL) == SESSILE_OK, "open");
    must(sessile_execution_new(store, SESSILE_NONE, SESSILE_NONE, &run, NULL) == SESSILE_OK, "execution");

    sessile_str_t panics = SESSILE_STR("{\"stepName\":\"sessile:test-panic\",\"fields\":[\"a\"]}");
    must(sessile_execution_step(run, panics, message, &out, &err) == SESSILE_PANIC, "the panic is a status");
    must(out == NULL, "nothing is given");
    must(!strcmp(sessile_error_name(err), "PANIC"), "the error says so");
    sessile_error_free(err);

    sessile_str_t put = SESSILE_STR("{\"operation\":\"PUT\",\"fields\":[\"a\"]}");
    must(sessile_execution_step(run, put, message, &out, NULL) == SESSILE_OK, "the next step runs");
    must(!strcmp(out->ptr, message.ptr), "and gives its message");
    sessile_buffer_free(out);
    must(sessile_store_close(store, NULL) == SESSILE_OK, "the store closes");
    sessile_execution_free(run);
    sessile_store_free(store);
    sessile_options_free(options);
    printf("c panic: 1 passed, 0 failed\n");
    return EXIT_SUCCESS;
}
