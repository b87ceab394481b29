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
    @JsonProperty("step") int step,
    @JsonProperty("loss") float loss,
    @JsonProperty("val_loss") @JsonInclude(JsonInclude.Include.NON_NULL) Float validationLoss,
    @JsonProperty("lr") float learningRate,
    @JsonProperty("grad_norm") float gradientNorm,
    @JsonProperty("tokens_per_second") double tokensPerSecond,
    @JsonProperty("elapsed_s") double seconds) {}
