/* The header alone, twice, as C99, C11 and C++17; the second file of the program is header2. */
#include "sessile.h"
#include "sessile.h"

const char *second_version(void);

static sessile_str_t given(void)
{
    return SESSILE_STR("abc");
}

int main(void)
{
    sessile_str_t none = SESSILE_NONE, text = given(), same = sessile_str("abc");
    return none.ptr == NULL && text.len == 3 && same.len == 3 && sessile_version() == second_version() ? 0 : 1;
}
