package dev.culebra.checkpoint;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * One line of {@code metrics.jsonl}.
 *
 * @param step optimizer steps taken
 * @param loss mean cross-entropy of the step's batches, in nats a token
 * @param validationLoss that of the validation batches; null where it was not evaluated
 * @param learningRate of the step
 * @param gradientNorm global norm before clipping
 * @param tokensPerSecond since the line before
 * @param seconds spent training since the beginning of the run
 */
public record Metrics(
    @JsonProperty(value = "step", required = true) int step,
    @JsonProperty(value = "loss", required = true) float loss,
    @JsonProperty("val_loss") @JsonInclude(JsonInclude.Include.NON_NULL) Float validationLoss,
    @JsonProperty(value = "lr", required = true) float learningRate,
    @JsonProperty(value = "grad_norm", required = true) float gradientNorm,
    @JsonProperty(value = "tokens_per_second", required = true) double tokensPerSecond,
    @JsonProperty(value = "elapsed_s", required = true) double seconds) {}
