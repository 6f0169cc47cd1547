/*
 * program.h - all that the program weir needs of libweir.
 */
#pragma once

/* [program] The command line, from its words to the exit status. Not for applications: it prints,
 * sets the locale, and may end the process. */
__attribute__((visibility("default"))) int weir_main(int argc, char **argv);
