"""Networks that other people wrote, at full size with random weights: of keras_hub and of kimm."""

import re
from typing import Any

import keras

from kerazoo.compat import shapes_only

Shape = tuple[int, ...]

# A row is a class of keras_hub, a name, the inputs as "name:length" and the arguments of the class
# as "name=value". The name is that of the preset whose arguments these are. "@" is another row; one
# without inputs is only a part of others.
KERAS_HUB = """
AlbertBackbone albert_base_en_uncased token_ids:128 padding_mask:128 segment_ids:128
    vocabulary_size=30000 num_layers=12 num_heads=12 hidden_dim=768 intermediate_dim=3072
    embedding_dim=128
BartBackbone bart_base_en encoder_token_ids:128 encoder_padding_mask:128 decoder_token_ids:128
    decoder_padding_mask:128 vocabulary_size=50265 num_layers=6 num_heads=12 hidden_dim=768
    intermediate_dim=3072
BertBackbone bert_base_en_uncased token_ids:128 padding_mask:128 segment_ids:128
    vocabulary_size=30522 num_layers=12 num_heads=12 hidden_dim=768 intermediate_dim=3072
BertBackbone bert_tiny vocabulary_size=30522 num_layers=2 num_heads=2 hidden_dim=128
    intermediate_dim=512
BertTextClassifier bert_tiny_en_uncased_sst2 token_ids:128 padding_mask:128 segment_ids:128
    backbone=@bert_tiny num_classes=2
BloomBackbone bloom_560m_multi token_ids:128 padding_mask:128 vocabulary_size=250880 num_layers=24
    num_heads=16 hidden_dim=1024 intermediate_dim=4096
DebertaV3Backbone deberta_v3_extra_small_en token_ids:128 padding_mask:128 vocabulary_size=128100
    num_layers=12 num_heads=6 hidden_dim=384 intermediate_dim=1536
DistilBertBackbone distil_bert_base_en_uncased token_ids:128 padding_mask:128 vocabulary_size=30522
    num_layers=6 num_heads=12 hidden_dim=768 intermediate_dim=3072
ESM2Backbone esm2_t6_8M token_ids:128 vocabulary_size=33 num_layers=6 num_heads=20 hidden_dim=320
    intermediate_dim=1280 max_sequence_length=1026
ElectraBackbone electra_small_discriminator_uncased_en token_ids:128 padding_mask:128
    segment_ids:128 vocab_size=30522 num_layers=12 num_heads=4 hidden_dim=256 embedding_dim=128
    intermediate_dim=1024
FNetBackbone f_net_base_en token_ids:128 segment_ids:128 vocabulary_size=32000 num_layers=12
    hidden_dim=768 intermediate_dim=3072
FalconBackbone falcon_refinedweb_1b_en token_ids:128 padding_mask:128 vocabulary_size=50304
    num_layers=24 num_attention_heads=32 hidden_dim=2048 intermediate_dim=8192
GPT2Backbone gpt2_base vocabulary_size=50257 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072
GPT2CausalLM gpt2_base_en token_ids:128 padding_mask:128 backbone=@gpt2_base
GPTNeoXBackbone pythia_70m token_ids:128 padding_mask:128 vocabulary_size=50304 num_layers=6
    num_heads=8 hidden_dim=512 intermediate_dim=2048 max_sequence_length=2048
Gemma3Backbone gemma3_270m token_ids:128 padding_mask:128 vocabulary_size=262144 num_layers=18
    num_query_heads=4 num_key_value_heads=1 hidden_dim=640 intermediate_dim=2048 image_size=None
    head_dim=256 use_post_ffw_norm=True use_post_attention_norm=True
    use_sliding_window_attention=True sliding_window_size=512
GemmaBackbone gemma_2b_en token_ids:128 padding_mask:128 vocabulary_size=256000 num_layers=18
    num_query_heads=8 num_key_value_heads=1 hidden_dim=2048 intermediate_dim=32768 head_dim=256
GptOssBackbone gpt_oss_20b_en token_ids:128 padding_mask:128 vocabulary_size=201088 num_layers=24
    num_query_heads=64 num_key_value_heads=8 hidden_dim=2880 intermediate_dim=2880 num_experts=32
    top_k=4 head_dim=64 sliding_window=128
Llama3Backbone llama3.2_1b token_ids:128 padding_mask:128 vocabulary_size=128256 num_layers=16
    num_query_heads=32 num_key_value_heads=8 hidden_dim=2048 intermediate_dim=8192
LlamaBackbone llama2_7b_en token_ids:128 padding_mask:128 vocabulary_size=32000 num_layers=32
    num_query_heads=32 num_key_value_heads=32 hidden_dim=4096 intermediate_dim=11008
MistralBackbone mistral_7b_en token_ids:128 padding_mask:128 vocabulary_size=32000 num_layers=32
    num_query_heads=32 num_key_value_heads=8 hidden_dim=4096 intermediate_dim=14336
    sliding_window=4096
MixtralBackbone mixtral_8_7b_en token_ids:128 padding_mask:128 vocabulary_size=32000 num_layers=32
    num_query_heads=32 num_key_value_heads=8 hidden_dim=4096 intermediate_dim=14336 num_experts=8
OPTBackbone opt_125m vocabulary_size=50272 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072
OPTCausalLM opt_125m_en token_ids:128 padding_mask:128 backbone=@opt_125m
Phi3Backbone phi3_mini_4k_instruct_en token_ids:128 padding_mask:128 vocabulary_size=32064
    num_layers=32 num_query_heads=32 num_key_value_heads=32 hidden_dim=3072 intermediate_dim=8192
QwenBackbone qwen2.5_0.5b_en token_ids:128 padding_mask:128 vocabulary_size=151936 num_layers=24
    num_query_heads=14 num_key_value_heads=2 hidden_dim=896 intermediate_dim=4864
Qwen3Backbone qwen3_0.6b_en token_ids:128 padding_mask:128 vocabulary_size=151936 num_layers=28
    num_query_heads=16 num_key_value_heads=8 hidden_dim=1024 intermediate_dim=3072 head_dim=128
Qwen3MoeBackbone qwen3_moe_30b_a3b_en token_ids:128 padding_mask:128 vocabulary_size=151936
    num_layers=48 num_query_heads=32 num_key_value_heads=4 hidden_dim=2048 intermediate_dim=6144
    moe_intermediate_dim=768 num_experts=128 head_dim=128 top_k=8 norm_top_k_prob=True
Qwen3_5Backbone qwen3_5_0.8b token_ids:128 padding_mask:128 vocabulary_size=248320 num_layers=24
    num_query_heads=8 num_key_value_heads=2 hidden_dim=1024 intermediate_dim=3584 head_dim=256
    tie_word_embeddings=True linear_num_value_heads=16
QwenMoeBackbone qwen1.5_moe_2.7b_en token_ids:128 padding_mask:128 vocabulary_size=151936
    num_layers=24 num_query_heads=16 num_key_value_heads=16 hidden_dim=2048 intermediate_dim=5632
    moe_intermediate_dim=1408 shared_expert_intermediate_dim=5632 num_experts=60
RWKV7Backbone rwkv7_g1a_0.1b_en token_ids:128 padding_mask:128 hidden_size=768 head_size=64
    num_layers=12 vocabulary_size=65536 intermediate_dim=3072
RobertaBackbone roberta_base vocabulary_size=50265 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072
RobertaMaskedLM roberta_base_en token_ids:128 padding_mask:128 mask_positions:20
    backbone=@roberta_base
RoformerV2Backbone roformer_v2_char_small token_ids:128 segment_ids:128 vocabulary_size=12000
    num_layers=6 num_heads=6 hidden_dim=384 intermediate_dim=1536 head_size=64
SmolLM3Backbone smollm3_3b_en token_ids:128 padding_mask:128 vocabulary_size=128256 hidden_dim=2048
    intermediate_dim=11008 num_layers=36 num_attention_heads=16 num_key_value_heads=4
    attention_bias=False attention_dropout=0.0 rope_layer_enabled_list=[True,True,True,False]*9
    layer_types=["full_attention"]*36 mlp_bias=False layer_norm_epsilon=1e-6
    max_position_embeddings=65536 rope_theta=5e6 partial_rotary_factor=1.0
T5Backbone flan_small_multi encoder_token_ids:128 encoder_padding_mask:128 decoder_token_ids:128
    decoder_padding_mask:128 vocabulary_size=32128 num_layers=8 num_heads=6 hidden_dim=512
    intermediate_dim=1024 key_value_dim=64 activation=gelu tie_embedding_weights=False
T5GemmaBackbone t5gemma_s_s_prefixlm encoder_token_ids:128 encoder_padding_mask:128
    decoder_token_ids:128 decoder_padding_mask:128 vocabulary_size=256000 encoder_num_layers=8
    encoder_num_attention_heads=8 encoder_num_key_value_heads=8 encoder_hidden_dim=512
    encoder_head_dim=64 encoder_intermediate_dim=1024 decoder_num_layers=8
    decoder_num_attention_heads=8 decoder_num_key_value_heads=8 decoder_hidden_dim=512
    decoder_head_dim=64 decoder_intermediate_dim=1024
    encoder_layer_types=["sliding_attention","full_attention"]*4
    decoder_layer_types=["sliding_attention","full_attention"]*4 sliding_window=4096
    query_pre_attn_scalar=64 attn_logit_softcapping=50.0 cross_attention_hidden_size=512
XLMRobertaBackbone xlm_roberta_base vocabulary_size=250002 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072
XLMRobertaTextClassifier xlm_roberta_base_multi token_ids:128 padding_mask:128
    backbone=@xlm_roberta_base num_classes=4
XLNetBackbone xlnet_base_cased token_ids:128 padding_mask:128 segment_ids:128 vocabulary_size=32000
    num_layers=12 num_heads=12 hidden_dim=768 intermediate_dim=3072
MoonshineBackbone moonshine_tiny_en encoder_input_values:16000x1 encoder_padding_mask:40
    decoder_token_ids:32 decoder_padding_mask:32 vocabulary_size=32768 filter_dim=288
    encoder_num_layers=6 decoder_num_layers=6 hidden_dim=288 intermediate_dim=1152
    encoder_num_heads=8 decoder_num_heads=8 partial_rotary_factor=0.9 max_position_embeddings=194
WhisperBackbone whisper_tiny_multi encoder_features:3000x80 decoder_token_ids:128
    decoder_padding_mask:128 vocabulary_size=51865 num_layers=4 num_heads=6 hidden_dim=384
    intermediate_dim=1536
ResNetBackbone resnet_34 input_conv_filters=[64] input_conv_kernel_sizes=[7]
    stackwise_num_filters=[64,128,256,512] stackwise_num_blocks=[3,4,6,3]
    stackwise_num_strides=[1,2,2,2] block_type=basic_block
BASNetBackbone basnet_duts :288x288x3 image_encoder=@resnet_34 num_classes=1
CLIPVisionEncoder clip_vision patch_size=16 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072 image_shape=(224,224,3)
CLIPTextEncoder clip_text vocabulary_size=49408 num_layers=12 num_heads=8 hidden_dim=512
    intermediate_dim=2048 embedding_dim=512
CLIPBackbone clip_vit_base_patch16 images:224x224x3 token_ids:77 vision_encoder=@clip_vision
    text_encoder=@clip_text projection_dim=512
CSPNetBackbone csp_darknet_53_ra_imagenet :256x256x3 stem_filters=32 stem_kernel_size=3
    stem_strides=1 stackwise_depth=[1,2,8,8,4] stackwise_num_filters=[64,128,256,512,1024]
    bottle_ratio=(0.5,1.0) block_ratio=(1.0,0.5) expand_ratio=(2.0,1.0) stem_padding=same
    stage_type=csp block_type=dark_block down_growth=True stackwise_strides=[2]*5
CSPNetBackbone csp_resnext_50_ra_imagenet :256x256x3 stem_filters=64 stem_kernel_size=7
    stem_strides=4 stackwise_depth=[3,3,5,2] stackwise_num_filters=[256,512,1024,2048]
    bottle_ratio=[1.0] block_ratio=[0.5] expand_ratio=[1.0] stage_type=csp
    block_type=bottleneck_block stem_pooling=max stackwise_strides=[1,2,2,2] groups=32
    cross_linear=True
HGNetV2Backbone hgnetv2_b0 stem_channels=[3,16,16]
    stackwise_stage_filters=[[16,16,64,1,3,3],[64,32,256,1,3,3],[256,64,512,2,3,5],[512,128,1024,1,3,5]]
    apply_downsample=[False,True,True,True] use_lightweight_conv_block=[False,False,True,True]
    depths=[1,1,2,1] hidden_sizes=[64,256,512,1024] embedding_size=16
    use_learnable_affine_block=True hidden_act=relu out_features=["stage3","stage4"]
DFineBackbone dfine_nano backbone=@hgnetv2_b0 decoder_in_channels=[128,128] encoder_hidden_dim=128
    num_denoising=0 num_labels=80 hidden_dim=128 learn_initial_query=False num_queries=300
    anchor_image_size=(640,640) feat_strides=[16,32] num_feature_levels=2
    encoder_in_channels=[512,1024] encode_proj_layers=[1] num_attention_heads=8 encoder_ffn_dim=512
    num_encoder_layers=1 hidden_expansion=0.34 depth_multiplier=0.5 eval_idx=-1 num_decoder_layers=3
    decoder_attention_heads=8 decoder_ffn_dim=512 decoder_n_points=[6,6] lqe_hidden_dim=64
    num_lqe_layers=2 out_features=["stage3","stage4"] seed=0
DFineObjectDetector dfine_nano_coco :640x640x3 backbone=@dfine_nano num_classes=80
DINOV2Backbone dinov2_small :518x518x3 patch_size=14 num_layers=12 num_heads=6 hidden_dim=384
    intermediate_dim=1536 image_shape=(518,518,3)
DINOV3Backbone dinov3_vit_small_lvd1689m :224x224x3 patch_size=16 num_layers=12 num_heads=6
    hidden_dim=384 intermediate_dim=1536 image_shape=(224,224,3) use_key_bias=False
ResNetBackbone resnet_50 input_conv_filters=[64] input_conv_kernel_sizes=[7]
    stackwise_num_filters=[64,128,256,512] stackwise_num_blocks=[3,4,6,3]
    stackwise_num_strides=[1,2,2,2] block_type=bottleneck_block
DeepLabV3Backbone deeplab_v3_plus_resnet50 image_encoder=@resnet_50 projection_filters=48
    low_level_feature_key=P2 spatial_pyramid_pooling_key=P5 upsampling_size=8
    dilation_rates=[6,12,18]
DeepLabV3ImageSegmenter deeplab_v3_plus_resnet50_pascalvoc :512x512x3
    backbone=@deeplab_v3_plus_resnet50 num_classes=21
DeiTBackbone deit_tiny_distilled_patch16_224_imagenet :224x224x3 patch_size=16 num_layers=12
    num_heads=3 hidden_dim=192 intermediate_dim=768 image_shape=(224,224,3)
DenseNetBackbone densenet_121 stackwise_num_repeats=[6,12,24,16]
DenseNetImageClassifier densenet_121_imagenet :224x224x3 backbone=@densenet_121 num_classes=1000
DepthAnythingBackbone depth_anything_v2_small :518x518x3 image_encoder=@dinov2_small
    reassemble_factors=[4,2,1,0.5] neck_hidden_dims=[48,96,192,384] fusion_hidden_dim=64
    head_hidden_dim=32 head_in_index=-1 feature_keys=["stage3","stage6","stage9","stage12"]
EfficientNetBackbone efficientnet_b0_ra_imagenet :224x224x3 stackwise_width_coefficients=[1.0]*7
    stackwise_depth_coefficients=[1.0]*7 stackwise_squeeze_and_excite_ratios=[0.25]*7
    stackwise_kernel_sizes=[3,3,5,3,5,5,3] stackwise_num_repeats=[1,2,2,3,3,4,1]
    stackwise_input_filters=[32,16,24,40,80,112,192]
    stackwise_output_filters=[16,24,40,80,112,192,320] stackwise_expansion_ratios=[1,6,6,6,6,6,6]
    stackwise_strides=[1,2,2,2,1,2,1] stackwise_block_types=["v1"]*7 min_depth=None
    use_depth_divisor_as_min_depth=True cap_round_filter_decrease=True
EfficientNetBackbone efficientnet_es_ra_imagenet :224x224x3 stackwise_width_coefficients=[1.0]*6
    stackwise_depth_coefficients=[1.0]*6 stackwise_kernel_sizes=[3,3,3,5,5,5]
    stackwise_num_repeats=[1,2,4,5,4,2] stackwise_input_filters=[32,24,32,48,96,144]
    stackwise_output_filters=[24,32,48,96,144,192] stackwise_expansion_ratios=[4,8,8,8,8,8]
    stackwise_strides=[1,2,2,2,1,2] stackwise_squeeze_and_excite_ratios=[0]*6
    stackwise_block_types=["fused"]*3+["unfused"]*3 stackwise_force_input_filters=[24,0,0,0,0,0]
    stackwise_nores_option=[True]+[False]*5 activation=relu min_depth=None
    use_depth_divisor_as_min_depth=True cap_round_filter_decrease=True
FluxBackbone flux1_schnell image:1024x64 text:256x4096 image_ids:1024x3 text_ids:256x3 y:768
    timesteps: guidance: input_channels=64 hidden_size=3072 mlp_ratio=4.0 num_heads=24 depth=19
    depth_single_blocks=38 axes_dim=[16,56,56] theta=10000 use_bias=True image_shape=(1024,64)
    text_shape=(256,4096) image_ids_shape=(1024,3) text_ids_shape=(256,3) y_shape=(768,)
HGNetV2Backbone hgnetv2_b4 stem_channels=[3,32,48]
    stackwise_stage_filters=[[48,48,128,1,6,3],[128,96,512,1,6,3],[512,192,1024,3,6,5],[1024,384,2048,1,6,5]]
    apply_downsample=[False,True,True,True] use_lightweight_conv_block=[False,False,True,True]
    embedding_size=48 hidden_sizes=[128,512,1024,2048] depths=[1,1,3,1] hidden_act=relu
    use_learnable_affine_block=False
HGNetV2ImageClassifier hgnetv2_b4_ssld_stage2_ft_in1k :224x224x3 backbone=@hgnetv2_b4
    num_classes=1000
MiTBackbone mit_b0_ade20k_512 :512x512x3 layerwise_depths=[2]*4 hidden_dims=[32,64,160,256]
    num_layers=4 layerwise_num_heads=[1,2,5,8] layerwise_sr_ratios=[8,4,2,1] max_drop_path_rate=0.1
    layerwise_patch_sizes=[7,3,3,3] layerwise_strides=[4,2,2,2] image_shape=(512,512,3)
MobileNetBackbone mobilenet_v3_small_050_imagenet :224x224x3 stackwise_num_blocks=[2,3,2,3]
    stackwise_expansion=[[40,56],[64,144,144],[72,72],[144,288,288]]
    stackwise_num_filters=[[16,16],[24,24,24],[24,24],[48,48,48]]
    stackwise_kernel_size=[[3,3],[5,5,5],[5,5],[5,5,5]]
    stackwise_num_strides=[[2,1],[2,1,1],[1,1],[2,1,1]]
    stackwise_se_ratio=[[None]*2,[0.25]*3,[0.25]*2,[0.25]*3]
    stackwise_activation=[["relu"]*2,["hard_swish"]*3,["hard_swish"]*2,["hard_swish"]*3]
    stackwise_padding=[[1,1],[2,2,2],[2,2],[2,2,2]] output_num_filters=1024 depthwise_filters=8
    depthwise_stride=2 depthwise_residual=False squeeze_and_excite=0.5 last_layer_filter=288
ViTBackbone parseq_vit image_shape=(32,128,3) patch_size=(4,8) num_layers=12 num_heads=6
    hidden_dim=384 mlp_dim=1536 use_class_token=False
PARSeqBackbone parseq_base image_encoder=@parseq_vit vocabulary_size=97 max_label_length=25
    num_decoder_heads=12 num_decoder_layers=1 decoder_hidden_dim=384 decoder_mlp_dim=1536
PARSeqCausalLM parseq images:32x128x3 token_ids:26 padding_mask:26 backbone=@parseq_base
PaliGemmaBackbone pali_gemma_3b_224 images:224x224x3 token_ids:128 padding_mask:128
    response_mask:128 vocabulary_size=257152 num_layers=18 num_query_heads=8 num_key_value_heads=1
    hidden_dim=2048 intermediate_dim=32768 image_size=224 head_dim=256 vit_patch_size=14
    vit_num_heads=16 vit_hidden_dim=1152 vit_num_layers=27 vit_intermediate_dim=4304
ResNetBackbone resnet_18_imagenet :224x224x3 input_conv_filters=[64] input_conv_kernel_sizes=[7]
    stackwise_num_filters=[64,128,256,512] stackwise_num_blocks=[2]*4
    stackwise_num_strides=[1,2,2,2] block_type=basic_block
ResNetBackbone resnet_v2_50_imagenet :224x224x3 input_conv_filters=[64] input_conv_kernel_sizes=[7]
    stackwise_num_filters=[64,128,256,512] stackwise_num_blocks=[3,4,6,3]
    stackwise_num_strides=[1,2,2,2] block_type=bottleneck_block use_pre_activation=True
ResNetBackbone resnet_vd_50_imagenet :224x224x3 input_conv_filters=[32,32,64]
    input_conv_kernel_sizes=[3]*3 stackwise_num_filters=[64,128,256,512]
    stackwise_num_blocks=[3,4,6,3] stackwise_num_strides=[1,2,2,2] block_type=bottleneck_block_vd
ResNetImageClassifier resnet_50_imagenet :224x224x3 backbone=@resnet_50 num_classes=1000
RetinaNetBackbone retinanet_resnet50_fpn image_encoder=@resnet_50 min_level=3 max_level=7
    use_p5=False
RetinaNetObjectDetector retinanet_resnet50_fpn_coco :800x800x3 backbone=@retinanet_resnet50_fpn
    num_classes=91
SAMPromptEncoder sam_prompts hidden_size=256 image_embedding_size=(64,64)
    input_image_size=(1024,1024) mask_in_channels=16
SAMMaskDecoder sam_masks num_layers=2 hidden_size=256 intermediate_dim=2048 num_heads=8
    embedding_dim=256 num_multimask_outputs=3 iou_head_depth=3 iou_head_hidden_dim=256
SAMBackbone sam_base image_encoder=@vitdet_base_sa1b prompt_encoder=@sam_prompts
    mask_decoder=@sam_masks
SAMImageSegmenter sam_base_sa1b images:1024x1024x3 points:1x2 labels:1 boxes:1x2x2 masks:1x256x256x1
    backbone=@sam_base
SegFormerBackbone segformer_b0 image_encoder=@mit_b0_ade20k_512 projection_filters=256
SegFormerImageSegmenter segformer_b0_ade20k_512 :512x512x3 backbone=@segformer_b0 num_classes=150
SigLIPVisionEncoder siglip_vision patch_size=16 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072 image_shape=(224,224,3)
SigLIPTextEncoder siglip_text vocabulary_size=32000 num_layers=12 num_heads=12 hidden_dim=768
    intermediate_dim=3072 embedding_dim=768
SigLIPBackbone siglip_base_patch16_224 images:224x224x3 token_ids:64 vision_encoder=@siglip_vision
    text_encoder=@siglip_text
SwinTransformerBackbone swin_tiny image_shape=(224,224,3) embed_dim=96 depths=[2,2,6,2]
    num_heads=[3,6,12,24] window_size=7
SwinTransformerImageClassifier swin_tiny_patch4_window7_224 :224x224x3 backbone=@swin_tiny
    num_classes=1000
VGGBackbone vgg_16 stackwise_num_repeats=[2,2,3,3,3] stackwise_num_filters=[64,128,256,512,512]
    image_shape=(224,224,3)
VGGImageClassifier vgg_16_imagenet :224x224x3 backbone=@vgg_16 num_classes=1000
ViTBackbone vit_base_patch16_224_imagenet :224x224x3 image_shape=(224,224,3) patch_size=16
    num_layers=12 num_heads=12 hidden_dim=768 mlp_dim=3072
ViTDetBackbone vitdet_base_sa1b :1024x1024x3 hidden_size=768 num_layers=12 intermediate_dim=3072
    num_heads=12 global_attention_layer_indices=[2,5,8,11] image_shape=(1024,1024,3)
VideoPrismBackbone videoprism_public_v1_base :16x288x288x3 num_frames=16 patch_size=18
    hidden_dim=768 intermediate_dim=3072 num_heads=12 num_spatial_layers=12 num_temporal_layers=4
    num_auxiliary_layers=0 attention_logit_soft_cap=50.0
XceptionBackbone xception_41_imagenet :299x299x3
    stackwise_conv_filters=[[32,64],[128,128],[256,256],[728,728]]+[[728]*3]*8+[[728,1024],[1536,2048]]
    stackwise_pooling=[False]+[True]*3+[False]*8+[True,False]
"""

KIMM = """
    ConvMixer736D32 ConvMixer1024D20 ConvNeXtAtto ConvNeXtTiny DenseNet161 EfficientNetB0
    EfficientNetLiteB0 EfficientNetV2B0 EfficientNetV2S GhostNetW050 GhostNetV2W100 GhostNetV3W050
    HGNetTiny HGNetV2B0 InceptionNeXtTiny InceptionV3 LCNet035 LCNet100 MobileNetV2W050
    MobileNetV3W050Small MobileNetV3W100LargeMinimal MobileOneS0 MobileViTXXS MobileViTS
    MobileViTV2W050 MobileViTV2W100 RegNetX002 RegNetX016 RegNetY002 RegNetY016 RepVGGA0 RepVGGB0
    ResNet18 ResNet50 TinyNetA TinyNetE VGG11 VGG16 VisionTransformerTiny16 VisionTransformerBase32
    Xception
"""

ROWS = {row.split()[1]: row.split() for row in re.split(r"\n(?=\S)", KERAS_HUB.strip())}
NAMES = (
    *(f"keras_hub:{kind} {name}" for kind, name, *words in ROWS.values() if ":" in words[0]),
    *(f"kimm:{name}" for name in KIMM.split()),
)


def network(name: str) -> tuple[keras.Model, Shape | dict[str, Shape]]:
    """Return a network whose weights have no values, and the shapes to count it with."""
    package, _, name = name.partition(":")
    with shapes_only():
        if package == "keras_hub":
            return _built(name.split()[1]), _shapes(name.split()[1])
        import kimm

        model = getattr(kimm.models, name)(weights=None)
        shape = model.input_shape[1:]
        return model, (224, 224, 3) if None in shape else shape


def _built(name: str) -> Any:
    """Build a row of keras_hub, and the rows that it names."""
    import keras_hub

    kind, _, *words = ROWS[name]
    pairs = (word.split("=") for word in words if "=" in word)
    arguments = {key: _value(text) for key, text in pairs}
    made = getattr(keras_hub.models, kind, None) or getattr(keras_hub.layers, kind)
    if issubclass(made, keras_hub.models.Task):
        arguments |= {"preprocessor": None, "compile": False}  # an optimizer's weights have values
    return made(**arguments)


def _value(text: str) -> Any:
    """Return the value of an argument: a built row, a Python expression or a plain word."""
    if text.startswith("@"):
        return _built(text[1:])
    return eval(text) if re.match(r"[\d(\[-]|True|False|None", text) else text


def _shapes(name: str) -> Shape | dict[str, Shape]:
    """Return the shape of a row's only input, or the shapes of its inputs by their names."""
    pairs = (word.split(":") for word in ROWS[name] if ":" in word)
    shapes = {key: tuple(map(int, filter(None, text.split("x")))) for key, text in pairs}
    return shapes.get("", shapes)
