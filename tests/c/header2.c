#include "sessile.h"

const char *second_version(void);

const char *second_version(void)
{
    return sessile_str(sessile_version()).ptr;
}
