/**
 * Models of other programs: Hugging Face's folders of GPT-2, Llama, Qwen2 and Qwen3, and llm.c's
 * checkpoints. Descriptions are typed; weights are read tensor by tensor.
 *
 * <p>Public interface.
 */
package dev.culebra.pretrained;
