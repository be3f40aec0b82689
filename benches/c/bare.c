/* What any call into a shared library costs at least: one of nothing, and one that takes text and gives a copy. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void bare_empty(void)
{
}

char *bare_echo(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    memcpy(copy, text, length);
    copy[length] = 0;
    return copy;
}
