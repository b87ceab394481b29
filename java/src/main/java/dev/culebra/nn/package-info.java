/**
 * Modules of a GPT with explicit forward and backward passes. They know shapes and {@link
 * dev.culebra.backend.Ops}, not devices.
 *
 * <p>Life cycle of a module: construct the tree; {@link dev.culebra.nn.Parameters} gives its
 * parameters memory; {@code plan} lays out the activations of one (B, T) once; then {@code forward}
 * and {@code backward} run without allocating. Parameter gradients accumulate (+=), activation
 * gradients are written (=), the residual stream adds.
 *
 * <p>Public interface. {@link dev.culebra.nn.LanguageModel} and {@link dev.culebra.nn.Module} are
 * open: programs may implement their own.
 */
package dev.culebra.nn;
