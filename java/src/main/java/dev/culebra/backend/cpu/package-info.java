/** The CPU backend: one class an operation. */
package dev.culebra.backend.cpu;
