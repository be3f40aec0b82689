/* What any native module of Python costs at least: a call of nothing, and one that takes text and gives bytes back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *empty(PyObject *self, PyObject *nothing)
{
    (void)self;
    (void)nothing;
    Py_RETURN_NONE;
}

static PyObject *echo(PyObject *self, PyObject *given)
{
    (void)self;
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(given, &length);
    return text ? PyBytes_FromStringAndSize(text, length) : NULL;
}

static PyMethodDef methods[] = {
    {"empty", empty, METH_NOARGS, NULL},
    {"echo", echo, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef module = {PyModuleDef_HEAD_INIT, "bare", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_bare(void)
{
    return PyModule_Create(&module);
}
