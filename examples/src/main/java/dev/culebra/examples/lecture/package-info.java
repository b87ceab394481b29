/**
 * The programs of the lecture "Let's build GPT: from scratch, in code, spelled out" on this
 * library: to be read from {@code Bigram} to {@code TinyGpt}, and run by {@code culebra lecture
 * NAME}.
 */
package dev.culebra.examples.lecture;
