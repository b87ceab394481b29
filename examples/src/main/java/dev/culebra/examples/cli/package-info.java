/**
 * The command line {@code ./culebra}: a class for each command. {@link
 * dev.culebra.examples.cli.Errors} decides what a failure looks like.
 */
package dev.culebra.examples.cli;
