package dev.culebra.backend;

import java.util.List;
import java.util.stream.Stream;

/** The cases of all operations. The first case of an operation is small and not in place. */
final class OpCases {
  private OpCases() {}

  static List<OpCase> all() {
    return Stream.of(
            EmbeddingCases.all(),
            LayerNormCases.all(),
            LinearCases.all(),
            ActivationCases.all(),
            GatedCases.all(),
            HeadsCases.all(),
            AttentionCases.all(),
            AttentionDecodeCases.all(),
            CrossAttentionCases.all(),
            DropoutCases.all(),
            SoftcapCases.all(),
            CrossEntropyCases.all(),
            ElementwiseCases.all(),
            NormCases.all(),
            AdamWCases.all(),
            MuonCases.all(),
            SamplingCases.all())
        .flatMap(cases -> cases)
        .toList();
  }
}
