/**
 * The programs of the lecture "Let's build GPT: from scratch, in code, spelled out" with this
 * library. Read them from {@code BigramBaseline} to {@code TinyGpt}; run them with {@code culebra
 * lecture NAME}.
 */
package dev.culebra.examples.lecture;
