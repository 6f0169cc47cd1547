/*
 * program.c - the program weir. Everything is in the library, so that there is one copy of it.
 */
#include "cli/program.h"

int main(int argc, char **argv)
{
    return weir_main(argc, argv);
}
