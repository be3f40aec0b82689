/* Reads beyond a block, so that `make c-asan` can prove that its sanitizer is really in. */
#include <stdlib.h>

int main(int argc, char **argv)
{
    (void)argv;
    /* Volatile, so that only the address sanitizer can know how large the block is. */
    char *volatile block = calloc(4, 1);
    volatile int beyond = 3 + argc;
    int read = block[beyond];
    free(block);
    return read;
}
