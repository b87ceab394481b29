/**
 * The lecture's exercise of a model that calculates, as a program adds data of its own to Culebra:
 * {@link dev.culebra.examples.arithmetic.Arithmetic} is the dataset, {@link
 * dev.culebra.examples.arithmetic.Exercises} gives it its names.
 */
package dev.culebra.examples.arithmetic;
