#include "sessile.hpp"

std::string_view second_version();

std::string_view second_version()
{
    return sessile::version();
}
