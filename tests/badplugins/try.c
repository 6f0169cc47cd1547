/*
 * try.c - stands in for weir-supervisor where the unit tests of the plugin loader try plugins.
 */
#include "plugin/try.h"

#include <string.h>

int main(int argc, char **argv)
{
    return argc == 3 && strcmp(argv[1], "--try") == 0 ? plugin_try_main(argv[2]) : 2;
}
