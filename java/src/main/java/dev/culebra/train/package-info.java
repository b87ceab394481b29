/**
 * The training run: its configuration, its loop and what it measures. The package that may know all
 * others; none of them knows it.
 */
package dev.culebra.train;
