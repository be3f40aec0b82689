/* What any addon of Node costs at least: a call of nothing, and one that takes a string and gives one back. */
#include <node_api.h>

#include <stddef.h>

static napi_value empty(napi_env env, napi_callback_info info)
{
    (void)env;
    (void)info;
    return NULL;
}

static napi_value echo(napi_env env, napi_callback_info info)
{
    static char text[8192];
    size_t arguments = 1, length = 0;
    napi_value given, result;
    napi_get_cb_info(env, info, &arguments, &given, NULL, NULL);
    napi_get_value_string_utf8(env, given, text, sizeof text, &length);
    napi_create_string_utf8(env, text, length, &result);
    return result;
}

NAPI_MODULE_INIT()
{
    napi_value function;
    napi_create_function(env, "empty", NAPI_AUTO_LENGTH, empty, NULL, &function);
    napi_set_named_property(env, exports, "empty", function);
    napi_create_function(env, "echo", NAPI_AUTO_LENGTH, echo, NULL, &function);
    napi_set_named_property(env, exports, "echo", function);
    return exports;
}
