/**
 * The command line {@code ./culebra}: a class for each command. {@link
 * dev.culebra.examples.cli.Errors} defines how failures are reported.
 */
package dev.culebra.examples.cli;
