/**
 * The lecture's exercise of a model that calculates. It shows how a program adds its own data to
 * Culebra: {@link dev.culebra.examples.arithmetic.Arithmetic} is the dataset, {@link
 * dev.culebra.examples.arithmetic.Exercises} names it.
 */
package dev.culebra.examples.arithmetic;
