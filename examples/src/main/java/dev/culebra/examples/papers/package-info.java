/** Features of newer papers, measured against GPT-2. */
package dev.culebra.examples.papers;
